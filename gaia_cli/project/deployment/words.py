"""The words of a cluster that a user writes: names, labels, sizes, times, paths.

A cluster refuses a wrong one late, each of its parts in its own form, or takes it and ignores it; so all are held to
their rules here, before anything is sent.
"""

import re

from gaia_cli.project.environment import VALUE
from gaia_cli.project.kinds import Kind, PartError, text
from gaia_cli.project.targets import SecretReference
from runtime_images.cluster.function import Window

_PART = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_WORD = r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_COMPONENT = r"[a-z0-9]++(?:[._-]++[a-z0-9]++)*+"
_LONGEST = 253
_HOUR, _DAY = 60, 24 * 60
_TAKEN_PATHS = ("/", "/dev", "/dev/log", "/tmp", "/var", "/var/log", "/function", "/opt", "/opt/gaia", "/opt/function")  # noqa: S108 -- nothing of these is opened
"""Where Knative, or the image itself, has something that a volume must not hide."""


def _subdomain(value: object) -> str | None:
    fits = isinstance(value, str) and len(value) <= _LONGEST and re.fullmatch(rf"{_PART}(\.{_PART})*", value)
    return value if fits and isinstance(value, str) else None


def _qualified(value: object) -> str | None:
    """Return a label's key: a word, with a domain and a slash before it or not."""
    domain, slash, word = value.rpartition("/") if isinstance(value, str) else ("", "", "")
    fits = re.fullmatch(_WORD, word) and (not slash or _subdomain(domain))
    return value if fits and isinstance(value, str) else None


def _gpu_resource(value: object) -> str | None:
    """Return the name of a resource that is none of Kubernetes' own."""
    domain = value.rpartition("/")[0] if isinstance(value, str) else ""
    is_own = domain in ("", "kubernetes.io") or domain.endswith(".kubernetes.io") or domain.startswith("requests.")
    return None if is_own else _qualified(value)


def _label_value(value: object) -> str | None:
    written = VALUE.convert(value)
    return written if written is not None and re.fullmatch(rf"({_WORD})?", written) else None


def _secret(value: object) -> SecretReference:
    """Return a reference to a secret; what is none may be the secret itself, which no message shows."""
    secret, slash, key = value.partition("/") if isinstance(value, str) else ("", "", "")
    fits = slash and _subdomain(secret) and re.fullmatch(r"(?!\.\.?$)[A-Za-z0-9_.-]{1,253}", key)
    if not fits:
        hint = "name a secret that the namespace has; its value stands neither here nor in env"
        raise PartError('must be a secret and its key, "secret/key"', (), hint)
    return SecretReference(secret, key)


def _window(value: object) -> Window | None:
    match = re.fullmatch(r"([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])", value) if isinstance(value, str) else None
    if match is None:
        return None
    hour, minute, last_hour, last_minute = map(int, match.groups())
    begin, end = hour * _HOUR + minute, last_hour * _HOUR + last_minute
    return Window(begin, end) if begin < _DAY and end <= _DAY and begin != end % _DAY else None


def _mount_path(value: object) -> str | None:
    match = re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", value) if isinstance(value, str) else None
    if match is None or {".", ".."} & set(match[0].split("/")) or match[0] in _TAKEN_PATHS:
        return None
    return match[0]


def _registry(value: object) -> str | None:
    host, slash, path = value.partition("/") if isinstance(value, str) else ("", "", "")
    name, colon, port = host.partition(":")
    fits = _subdomain(name) and (not colon or re.fullmatch(r"[1-9][0-9]{0,4}", port))
    has_path = not slash or all(re.fullmatch(_COMPONENT, one) for one in path.split("/"))
    return value if fits and has_path and isinstance(value, str) and len(value) <= _LONGEST else None


NAMESPACE = text(_PART, "the name of a namespace: lower-case letters, digits and hyphens, at most 63")
CONTEXT = text(r"[^\x00-\x1f\x7f]{1,253}", "the name of a context of the kubeconfig")
OBJECT = Kind("a name of lower-case letters, digits, hyphens and dots, at most 253", _subdomain)
REGISTRY = Kind('a registry, with its port and path if any, such as "registry.example:5000/team"', _registry)
LABEL_KEY = Kind('a label\'s key, such as "zone" or "nvidia.com/gpu.product"', _qualified)
LABEL_VALUE = Kind("a label's value: letters, digits, hyphens, underscores and dots, at most 63", _label_value)
GPU_RESOURCE = Kind('a resource with its domain, such as "nvidia.com/gpu" or "nvidia.com/mig-1g.5gb"', _gpu_resource)
SECRET = Kind('a secret and its key, "secret/key"', _secret)
WINDOW = Kind('a daily time in UTC, such as "18:00-06:00"', _window, "leave gpu_windows out where the GPU is always on")
MOUNT_PATH = Kind('an absolute path that nothing else has, such as "/models"', _mount_path)
