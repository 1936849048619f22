"""What a request is addressed to: the forms of its target and its Host header (RFC 9112, sections 3.2 and 3.3).

A function sees origin form only, whichever form the client used, so that nothing behind the edge has to decide again
which resource is meant. What two readers could read differently is refused.
"""

import re
from functools import lru_cache

_HOST = re.compile(rb"(?:\[[0-9A-Za-z:.%~_-]+\]|[0-9A-Za-z._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?@]+)((?:[/?].*)?)", re.DOTALL)


@lru_cache(maxsize=256)
def is_host(value: bytes) -> bool:
    """Whether a Host header may have this value: `uri-host [":" port]`, possibly empty."""
    return _HOST.fullmatch(value) is not None


def origin_form(method: bytes, target: bytes) -> tuple[bytes, bytes | None] | None:
    """The target in origin form (or `*`), and the authority that it names if it is absolute; None: it is malformed."""
    if b"#" in target:  # a fragment is the client's own; some servers cut it off, some take it for path
        return None
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target, None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not is_host(absolute[1]):
        return None
    path = absolute[2]
    return (path if path.startswith(b"/") else b"/" + path), absolute[1]
