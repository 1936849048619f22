"""What can go wrong between Gaia and a cluster.

    ClusterError
    ├── AccessError        credentials: a plugin failed, a file is unreadable, a form that is not understood
    │   └── MissingError   ... because something is missing on this machine
    ├── UnreachableError   no answer: refused, timed out, cut
    └── RefusedError       an answer of 4xx or 5xx, with what the server says
        └── GoneError      410: the history asked for is no longer kept, list anew

The command line gives each its exit code; the controller retries.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One detail of a refusal: for a conflict the field and, in the message, the manager that holds it."""

    code: str
    field: str
    message: str


class ClusterError(Exception):
    """One sentence for a person, and what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AccessError(ClusterError):
    """The credentials of the kubeconfig cannot be used."""


class MissingError(AccessError):
    """Something that the credentials need is missing on this machine."""


class UnreachableError(ClusterError):
    """The API server gave no answer."""


class RefusedError(ClusterError):
    """The API server, or a webhook behind it, said no.

    `status` is the HTTP status, `code` Kubernetes' word for it (there `reason`), such as Forbidden; `kind` and
    `name` say which object, as far as the server does. `retry_after_s` is what the server asks for, else 0.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        kind: str = "",
        name: str = "",
        causes: tuple[Cause, ...] = (),
        retry_after_s: float = 0.0,
        path: str = "",
    ) -> None:
        super().__init__(message)
        self.path = path
        self.status = status
        self.code = code
        self.kind = kind
        self.name = name
        self.causes = causes
        self.retry_after_s = retry_after_s

    @property
    def has_no_such_kind(self) -> bool:
        """Whether the server does not know the kind; of an object that is missing it says the name."""
        return self.status == 404 and not self.name

    @property
    def is_forbidden(self) -> bool:
        """Whether the user lacks the right."""
        return self.status == 403

    @property
    def is_conflict(self) -> bool:
        """Whether another manager holds a field, or the object has changed in the meantime."""
        return self.status == 409 and self.code == "Conflict"


class GoneError(RefusedError):
    """The server no longer keeps the history that a watch asked for."""
