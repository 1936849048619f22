"""Forms with files: `multipart/form-data` (RFC 7578), as browsers, curl and `requests` send it.

A field is a `str`, a file its bytes: a `FormFile` is `bytes` that know the name and the type that the client gave.
The body is here whole, so it is cut at its boundary, and no content is looked at.
"""

import re
from collections.abc import Iterator

_BOUNDARY = re.compile(rb'(?:^|;)[ \t]*boundary[ \t]*=[ \t]*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_NAME = re.compile(r'(?:^|;)[ \t]*name[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))', re.IGNORECASE)
_FILE_NAME = re.compile(r'(?:^|;)[ \t]*filename[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))', re.IGNORECASE)
_MOST_PARTS = 10_000
"""A body is at most as long as the runtime lets it be; its parts may be as many as a page can have fields."""


class MultipartError(ValueError):
    """The body is no form in parts."""


class FormFile(bytes):
    """A file of a form: its content, with the name and the content type that the client has given."""

    filename: str
    content_type: str


def parts_of(content_type: bytes, body: bytes, coding: str) -> Iterator[tuple[str, str | FormFile]]:
    """Yield the name and the value of each part of a form, in order.

    Raises:
        MultipartError: there is no boundary, or what it encloses is no form.
    """
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise MultipartError("its content type has no boundary")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + (found[1] or found[2]), _MOST_PARTS)
    if not parts or not parts[-1].startswith(b"--"):
        raise MultipartError("its last boundary is missing")
    for part in parts[:-1]:
        yield _part(part, coding)


def _part(part: bytes, coding: str) -> tuple[str, str | FormFile]:
    head, end, content = part.partition(b"\r\n\r\n")
    headers = dict(_headers(head.decode("utf-8", "replace")))
    disposition = headers.get("content-disposition", "")
    name = _NAME.search(disposition)
    if not end or name is None:
        raise MultipartError("a part of it has no name")
    file_name = _FILE_NAME.search(disposition)
    if file_name is None:
        return _unquoted(name), content.decode(coding)
    file = FormFile(content)
    file.filename = _unquoted(file_name)
    file.content_type = headers.get("content-type", "application/octet-stream")
    return _unquoted(name), file


def _headers(head: str) -> Iterator[tuple[str, str]]:
    for line in head.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        yield name.strip().lower(), value.strip()


def _unquoted(found: re.Match[str]) -> str:
    """Return a parameter as it was meant: browsers write a quote as %22, others put a backslash before it."""
    return re.sub(r'\\(["\\])', r"\1", found[1]).replace("%22", '"') if found[1] is not None else found[2]
