"""What a cluster's errors mean to a user: the one place where each becomes a sentence, a hint and an exit code.

Kubernetes' own words name what was asked in the API's terms, and seldom what to do. The tables here have what was met
on a real API server; anything else is passed on as it is.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from gaia_cli.errors import ClusterRefused, GaiaError, MissingPartError
from runtime_images.cluster.access import Access
from runtime_images.cluster.errors import AccessError, ClusterError, MissingError, RefusedError, UnreachableError
from runtime_images.cluster.kinds import ROUTE

_FORBIDDEN = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)
_WEBHOOK = re.compile(r'failed calling webhook "(?P<name>[^"]*)"(?P<cause>.*)', re.DOTALL)
_DENIED = re.compile(r'admission webhook "[^"]*" denied the request: (?P<words>.*)', re.DOTALL)
_REFUSED = (
    (r"ValidatingAdmissionPolicy|denied by|\[denied|webhook \"(?![^\"]*\.knative\.dev\")[^\"]*\" denied",
     "this is a policy of the cluster: do what it says, or ask whoever runs the cluster"),
    (r"HTTP request to an HTTPS server", "write https:// in server of the cluster in the kubeconfig"),
)  # fmt: skip
"""What a refusal says, and what to do about it."""
_TERMINATING = "is being terminated"
_IS_TERMINATING = "NamespaceTerminating"

UNREACHABLE = (
    (r"CERTIFICATE_VERIFY_FAILED", "its certificate is not one that the kubeconfig trusts",
     "check certificate-authority and tls-server-name of the cluster in the kubeconfig"),
    (r"certificate required|ALERT_CERTIFICATE|HANDSHAKE_FAILURE", "it does not take the client certificate",
     "check client-certificate and client-key of the user in the kubeconfig"),
    (r"SSL|TLS", "the connection could not be encrypted",
     "check whether the server in the kubeconfig is the API server itself"),
    (r"Name or service not known|nodename nor servname|name resolution|No address associated",
     "its name is not known here", "check the server's address in the kubeconfig, and the network or VPN"),
    (r"Connection refused|All connection attempts failed|No route to host|unreachable",
     "nothing listens there", "check that the cluster runs, and the server's address in the kubeconfig"),
    (r"[Tt]imed? ?out|Timeout", "it did not answer in time", "check the network or VPN, then try again"),
    (r"disconnected|closed|reset|EOF|Broken pipe|RemoteProtocolError|ReadError|WriteError",
     "the connection was cut", "try again: every step can be repeated"),
)  # fmt: skip
"""What a failed connection says, what it means, and what to do about it."""


@contextmanager
def cluster_failures(access: Access | None = None) -> Iterator[None]:
    """Turn a cluster's errors into those that `gaia` shows; `access` names the cluster.

    Raises:
        MissingPartError: this machine lacks what the credentials need.
        ClusterRefused: the cluster said no or gave no answer, or the credentials cannot be used.
    """
    try:
        yield
    except ClusterError as error:
        raise explained(error, access) from error


def explained(error: ClusterError, access: Access | None = None) -> GaiaError:
    """Return what a user is told about `error`."""
    if isinstance(error, MissingError):
        return MissingPartError(error.message, error.hint)
    if isinstance(error, AccessError):
        return ClusterRefused(error.message, error.hint)
    if isinstance(error, UnreachableError):
        return _unreachable(error, access)
    return _refused(error, access) if isinstance(error, RefusedError) else ClusterRefused(error.message, error.hint)


def no_namespace(name: str) -> ClusterRefused:
    """Return the error for a namespace that is not there."""
    hint = f"make it: kubectl create namespace {name}, or name another: -n, or namespace of the target"
    return ClusterRefused(f"there is no namespace {name}", hint)


def no_knative() -> ClusterRefused:
    """Return the error for a cluster without Knative Serving."""
    hint = "install Knative Serving there (https://knative.dev/docs/install), or choose another --context"
    return ClusterRefused("this cluster has no Knative Serving", hint)


def _unreachable(error: UnreachableError, access: Access | None) -> ClusterRefused:
    where = f"the API server {access.server} (context {access.context})" if access else "the API server"
    if access and access.proxy:
        hint = "check proxy-url in the kubeconfig, else HTTPS_PROXY; NO_PROXY names servers that are reached without it"
        return ClusterRefused(f"{where} cannot be reached through the proxy {access.proxy} ({error.message})", hint)
    for pattern, meaning, hint in UNREACHABLE:
        if re.search(pattern, error.message):
            return ClusterRefused(f"{where} cannot be reached: {meaning} ({error.message})", error.hint or hint)
    return ClusterRefused(f"{where} cannot be reached ({error.message})", error.hint or "check the network")


def _refused(error: RefusedError, access: Access | None) -> ClusterRefused:
    if forbidden := _FORBIDDEN.search(error.message):
        return _forbidden(forbidden)
    if error.status == 401:
        user = f" of user {access.user} (context {access.context})" if access else ""
        return ClusterRefused(f"the cluster does not take the credentials{user}", "log in to the cluster again")
    if error.has_no_such_kind:
        return _unknown_kind(error)
    if _TERMINATING in error.message or any(cause.code == _IS_TERMINATING for cause in error.causes):
        return ClusterRefused(error.message, "wait until the namespace is gone and make it again, or use another: -n")
    if error.status == 404 and error.kind == "namespaces":
        return no_namespace(error.name)
    if webhook := _WEBHOOK.search(error.message):
        return ClusterRefused(
            f"a webhook of the cluster gives no answer: {webhook['name']}{webhook['cause']}",
            "its pods may be down: kubectl get pods -n knative-serving, then try again",
        )
    denied = _DENIED.search(error.message)
    words = denied["words"] if denied else error.message
    hint = next((hint for pattern, hint in _REFUSED if re.search(pattern, error.message)), "")
    too_busy = "the API server is too busy; try again later" if error.status == 429 else ""
    return ClusterRefused(f"the cluster refused: {words}", error.hint or too_busy or hint)


def _forbidden(found: re.Match[str]) -> ClusterRefused:
    resource = f"{found['resource']}.{found['group']}" if found["group"] else found["resource"]
    namespace = found["namespace"]
    place = f" in namespace {namespace}" if namespace else " in the whole cluster"
    right = f'verbs ["{found["verb"]}"] on resources ["{found["resource"]}"] of apiGroups ["{found["group"]}"]'
    role = "a Role" if namespace else "a ClusterRole"
    return ClusterRefused(f"{found['user']} may not {found['verb']} {resource}{place}", f"ask for {role} with {right}")


def _unknown_kind(error: RefusedError) -> ClusterRefused:
    if f"/{ROUTE.group}/" in error.path:
        return no_knative()
    return ClusterRefused(f"this cluster does not know {error.path}", "it may be older or newer than what Gaia knows")
