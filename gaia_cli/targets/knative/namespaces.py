"""The namespace that a verb is to work in: a name that one can have, and one that stands there.

To a list, a namespace that nobody has made is an empty one. So where nothing is found, the namespace is looked for as
well: a slip in its name is said, and not hidden behind "there is no function".
"""

from typing import TYPE_CHECKING

from gaia_cli.errors import ClusterRefused, UsageError

if TYPE_CHECKING:
    from runtime_images.cluster.api import Api


def check_name(name: str) -> None:
    """Check the name that a flag gives; it becomes a part of every address that is asked.

    Raises:
        UsageError: no namespace can be called so.
    """
    from gaia_cli.project.deployment.words import NAMESPACE

    if NAMESPACE.convert(name) is None:
        raise UsageError(f"--namespace must be {NAMESPACE.expects}, not {name!r}", "correct the name")


async def check_namespace(api: "Api", namespace: str) -> None:
    """Check that a namespace stands there; a user who may not look is told by what comes after.

    Raises:
        ClusterRefused: there is none of that name, or it is being deleted.
    """
    from gaia_cli.targets.failures import no_namespace
    from runtime_images.cluster.conditions import is_being_deleted
    from runtime_images.cluster.errors import RefusedError
    from runtime_images.cluster.kinds import NAMESPACE

    try:
        found = await api.get(NAMESPACE, namespace)
    except RefusedError as error:
        if error.is_forbidden:
            return
        raise
    if found is None:
        raise no_namespace(namespace)
    if is_being_deleted(found):
        raise ClusterRefused(f"the namespace {namespace} is being deleted", "use another: -n")
