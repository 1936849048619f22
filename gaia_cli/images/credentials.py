"""Passwords and tokens in requirements: whoever has the image can read the lines that it was made from.

pip puts the value of a variable in the place of `${NAME}`, so that stands for a secret without being one.
"""

import re

_VARIABLE = r"\$\{[A-Za-z0-9_]+\}"
_PUBLIC_USERS = r"(?:git|hg|svn|__token__|oauth2|oauth2accesstoken|x-access-token|x-token-auth|gitlab-ci-token|aws)"
_WHO = re.compile(rf"(?:{_PUBLIC_USERS}|{_VARIABLE})?(?::(?:{_VARIABLE})?)?")
_PORT = re.compile(rf"[^:]+(?::(?:\d+|{_VARIABLE}))?|\[[0-9A-Fa-f:.%]*\](?::\d+)?")
_AUTHORITY = re.compile(r"(?<!file)://([^/?#\s\"<>]*)")
_VALUE = re.compile(rf"[?&;]([A-Za-z0-9_.-]++)=(?!{_VARIABLE}(?:[&#\s\"']|\Z))[^&#\s\"']")
_SECRET_NAME = re.compile(
    r"token|secret|passw|pwd|signature|credential|auth|(?:api|access|private)[._-]?key|^(?:sig|key|pat|jwt)$",
    re.IGNORECASE,
)
_TORN = re.compile(r"(?:^|\s)[^\s:/@]++:[^\s/@]++@[^\s/]")
"""A password before a host without the beginning of its address, which stands on the line before."""
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{16}|github_pat_[A-Za-z0-9_]{16}|gl(?:pat|dt|cbt|ptt)-[A-Za-z0-9_-]{16}"
    r"|pypi-AgE[A-Za-z0-9_-]{8}|hf_[A-Za-z0-9]{16}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|xox[abprs]-[A-Za-z0-9-]{10})"
)
_LISTS = re.compile(
    r"pyproject\.toml|setup\.(?:cfg|py)|pipfile(?:\.lock)?|[a-z]+\.lock"
    r"|(?:uv|poetry|pdm|conda|pixi)\.toml|(?:environment|conda)[^/]*\.ya?ml|\.condarc|pylock.*\.toml|cog\.yaml"
    r"|gaia\.toml|dockerfile.*"
)
_JOINED = re.compile(r"\\\r?\n")

ADVICE = (
    "take it out: pip reads passwords from ~/.netrc, a keyring, or a variable as ${NAME}; for an image, build on one "
    "that has these packages ([build] base_image), made with a build secret"
)


def holds_credentials(line: str) -> bool:
    """Return whether a requirement line holds a password or a token: before a host, in a query, or of a known form."""
    hosts = [authority.rpartition("@")[2] for authority in _AUTHORITY.findall(line)]
    # In a requirement, a port that is no number is half of a password that has a slash in it.
    return not all(map(_PORT.fullmatch, hosts)) or _TORN.search(line) is not None or list_holds_credentials(line)


def list_holds_credentials(text: str) -> bool:
    """Return whether the text of a dependency list holds a password or a token."""
    text = _JOINED.sub("", text)
    return (
        any(not _WHO.fullmatch(authority.rpartition("@")[0]) for authority in _AUTHORITY.findall(text))
        or any(map(_SECRET_NAME.search, _VALUE.findall(text)))
        or _TOKEN.search(text) is not None
    )


def is_dependency_list(path: str) -> bool:
    """Return whether the file of this name says where dependencies come from."""
    name = path.lower().rpartition("/")[2]
    if name.endswith((".txt", ".in")):
        return "requirements" in name or "constraints" in name
    return _LISTS.fullmatch(name) is not None
