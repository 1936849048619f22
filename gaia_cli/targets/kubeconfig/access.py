"""From a kubeconfig to an `Access`: the context's cluster and user, or the pod's own account where there is no file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gaia_cli.errors import ConfigurationError, MissingPartError
from gaia_cli.project.deployment.words import NAMESPACE
from gaia_cli.targets.kubeconfig.entries import cluster_of, user_of
from gaia_cli.targets.kubeconfig.exec_plugin import plugin_of
from gaia_cli.targets.kubeconfig.files import Entry, Kubeconfig, KubeconfigError, find, load, text_of
from gaia_cli.targets.kubeconfig.transport import proxy_for, transport_maker
from runtime_images.cluster.access import Access, from_pod
from runtime_images.cluster.errors import MissingError

_DEFAULT_NAMESPACE = "default"
_MOST_NAMES = 20


def access_of(
    environ: Mapping[str, str], *, kubeconfig: Path | None = None, context: str = "", namespace: str = ""
) -> Access:
    """Return how to reach a cluster, as kubectl would; what is empty is the kubeconfig's. Nothing is sent.

    Raises:
        MissingPartError: there is no kubeconfig.
        ConfigurationError: it cannot be used, or has no such context.
    """
    files = find(environ, kubeconfig)
    if not files:
        return _of_pod(environ, context, namespace)
    config = load(files)
    chosen = _context(config, context)
    cluster = cluster_of(_referred(chosen, "cluster", config.clusters))
    user_entry = _user(config, chosen)
    user = user_of(user_entry)
    plugin = plugin_of(user.plugin) if user.plugin else None
    return Access(
        server=cluster.server,
        namespace=namespace or _namespace(chosen) or _DEFAULT_NAMESPACE,
        context=chosen.name,
        user=user_entry.name + (f" as {user.acting_as.user}" if user.acting_as.user else ""),
        transport=transport_maker(cluster, user, plugin, environ),
        proxy=_without_password(proxy_for(cluster, environ)),
    )


def _of_pod(environ: Mapping[str, str], context: str, namespace: str) -> Access:
    """Return the pod's own access: only where no kubeconfig is meant, since that may grant less."""
    try:
        if context:
            raise MissingError(f"there is no context {context}")
        access = from_pod(environ)
    except MissingError:
        asked = f", so no context {context}" if context else ""
        raise MissingPartError(
            f"there is no kubeconfig{asked}: neither KUBECONFIG nor ~/.kube/config names one",
            "name one: --kubeconfig FILE; the tool that made the cluster writes it",
        ) from None
    return replace(access, namespace=namespace or access.namespace)


def _namespace(chosen: Entry) -> str:
    name = _text(chosen, "namespace")
    if name and NAMESPACE.convert(name) is None:
        raise KubeconfigError(f"namespace of {chosen.place} must be {NAMESPACE.expects}, not {name!r}")
    return name


def _without_password(proxy: str) -> str:
    scheme, _, rest = proxy.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if proxy else ""


def _context(config: Kubeconfig, asked: str) -> Entry:
    name = asked or config.current_context
    which, known = ", ".join(config.files), f"there are: {_listed(config.contexts)}"
    if not name:
        hint = (
            f"choose one with --context; {known}" if config.contexts else "log in to a cluster, which writes one there"
        )
        raise ConfigurationError(f"{which} has no current-context", hint)
    if name not in config.contexts:
        raise ConfigurationError(f"there is no context {name} in {which}", known)
    return config.contexts[name]


def _user(config: Kubeconfig, chosen: Entry) -> Entry:
    """Return the context's user; without one, requests carry no credentials."""
    if not chosen.values.get("user"):
        return Entry("user", "nobody", {}, chosen.file)
    return _referred(chosen, "user", config.users)


def _referred(chosen: Entry, key: str, entries: Mapping[str, Entry]) -> Entry:
    name = _text(chosen, key)
    if name not in entries:
        problem = f"names the {key} {name}, which no kubeconfig has" if name else f"names no {key}"
        raise ConfigurationError(f"{chosen.place} {problem}", f"there are: {_listed(entries)}")
    return entries[name]


def _listed(entries: Mapping[str, Entry]) -> str:
    names = sorted(entries)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return (", ".join(names[:_MOST_NAMES]) or "none") + more


def _text(entry: Entry, key: str) -> str:
    value = entry.values.get(key)
    return "" if value is None else text_of(value, key, entry.place)
