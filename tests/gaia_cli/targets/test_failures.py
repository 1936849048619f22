"""What a user reads when a cluster says no, in the words that a real API server uses (Kubernetes 1.36)."""

import pytest
from httpx2 import AsyncHTTPTransport

from gaia_cli.errors import ClusterRefused, ExitCode, GaiaError
from gaia_cli.targets.failures import cluster_failures, explained
from runtime_images.cluster.access import Access
from runtime_images.cluster.errors import AccessError, Cause, ClusterError, MissingError, RefusedError, UnreachableError

FORBIDDEN = (
    'routes.serving.knative.dev is forbidden: User "dev" cannot list resource "routes" in API group '
    '"serving.knative.dev" in the namespace "shop"'
)
FORBIDDEN_EVERYWHERE = (
    'nodes is forbidden: User "dev" cannot list resource "nodes" in API group "" at the cluster scope'
)
HANGING = (
    'Internal error occurred: failed calling webhook "webhook.serving.knative.dev": failed to call webhook: Post '
    '"https://webhook.knative-serving.svc:443/?timeout=10s": context deadline exceeded'
)
DENIED = 'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: no name'


def refused(message: str, status: int = 403, **more: object) -> GaiaError:
    return explained(RefusedError(message, status=status, **more))  # type: ignore[arg-type] # a test's own words


def test_a_missing_right_is_named_with_verb_resource_and_place() -> None:
    error = refused(FORBIDDEN)

    assert error.message == "dev may not list routes.serving.knative.dev in namespace shop"
    assert error.hint == (
        'ask for a Role with verbs ["list"] on resources ["routes"] of apiGroups ["serving.knative.dev"]'
    )


def test_a_right_that_no_namespace_gives_needs_a_cluster_role() -> None:
    error = refused(FORBIDDEN_EVERYWHERE)

    assert error.message == "dev may not list nodes in the whole cluster"
    assert error.hint.startswith("ask for a ClusterRole")


@pytest.mark.parametrize(
    ("error", "words", "hint"),
    [
        (
            RefusedError("404 page not found", status=404, path="/apis/serving.knative.dev/v1/namespaces/a/routes"),
            "no Knative Serving",
            "install Knative",
        ),
        (RefusedError("x", status=404, path="/apis/batch/v9/jobs"), "does not know /apis/batch/v9/jobs", "older"),
        (RefusedError('namespaces "a" not found', status=404, kind="namespaces", name="a"), "no namespace a", "create"),
        (RefusedError("unable to create in a because it is being terminated", status=403), "terminated", "wait until"),
        (RefusedError("no", status=403, causes=(Cause("NamespaceTerminating", "", ""),)), "no", "wait until"),
        (RefusedError(HANGING, status=500), "a webhook of the cluster gives no answer", "knative-serving"),
        (RefusedError(DENIED, status=400), "the cluster refused: validation failed: no name", ""),
        (RefusedError("slow down", status=429), "slow down", "too busy"),
        (RefusedError("Unauthorized", status=401), "does not take the credentials", "log in"),
        (UnreachableError("[Errno 111] Connection refused"), "nothing listens there", "cluster runs"),
        (UnreachableError("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get"), "not one that", "certificate-authority"),
        (UnreachableError("[Errno -2] Name or service not known"), "not known here", "VPN"),
        (UnreachableError("ReadTimeout"), "did not answer in time", "VPN"),
        (UnreachableError("Server disconnected without sending a response."), "was cut", "try again"),
        (UnreachableError("something else"), "(something else)", "network"),
        (AccessError("the plugin failed", "log in"), "the plugin failed", "log in"),
        (ClusterError("anything"), "anything", ""),
    ],
)
def test_each_failure_says_what_it_means_and_what_to_do(error: ClusterError, words: str, hint: str) -> None:
    shown = explained(error)

    assert isinstance(shown, ClusterRefused)
    assert shown.exit_code == ExitCode.CLUSTER
    assert words in shown.message
    assert hint in shown.hint


def test_what_is_missing_on_this_machine_has_a_code_of_its_own() -> None:
    with pytest.raises(GaiaError) as raised, cluster_failures():
        raise MissingError("no plugin", "install it")

    assert raised.value.exit_code == ExitCode.ENGINE
    assert (raised.value.message, raised.value.hint) == ("no plugin", "install it")


POLICY = (
    "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'need-team' with binding 'need-team' denied request: "
    "every pod needs the label team"
)


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        (POLICY, "this is a policy of the cluster"),
        (
            'admission webhook "kyverno.svc" denied the request: no team',
            "this is a policy of the cluster",
        ),
        (DENIED, ""),
        ("Client sent an HTTP request to an HTTPS server.", "write https://"),
    ],
)
def test_a_policy_of_the_cluster_is_told_from_a_mistake(message: str, hint: str) -> None:
    assert refused(message, status=400).hint.startswith(hint)
    assert bool(refused(message, status=400).hint) == bool(hint)


def test_a_proxy_on_the_way_is_named_where_no_answer_comes() -> None:
    access = Access("https://one.test", "shop", "x", "u", AsyncHTTPTransport, "http://proxy.test:3128")

    error = explained(UnreachableError("All connection attempts failed"), access)

    assert "through the proxy http://proxy.test:3128" in error.message
    assert "NO_PROXY" in error.hint
