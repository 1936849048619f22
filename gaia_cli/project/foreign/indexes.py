"""The indexes of packages that a pyproject.toml names for uv, Poetry or PDM, as the options that pip has for them.

pip asks all indexes for every package, where those tools can keep one for some packages: an index that is meant for one
package alone is asked for all.
"""

import re
from collections.abc import Iterator

from analyzers.project.dependency_lists import table_in
from gaia_cli.project.foreign.toml_parts import rows, text

_URL = re.compile(r"https?://[^\s\\]+")
_PYPI = "pypi"
_FIRST, _MORE, _PAGE = "--index-url", "--extra-index-url", "--find-links"
_AFTER_PYPI = ("supplemental", "explicit", "secondary")


def index_options(content: object) -> tuple[str, ...]:
    """Return pip's options for the indexes that the pyproject.toml `content` names, in order, each once.

    An index in the place of PyPI goes first; of several only the first can, and the others come on top.
    """
    found = [*_of_uv(content), *_of_poetry(content), *_of_pdm(content)]
    options: list[str] = []
    for option, url in found:
        if _URL.fullmatch(url):
            is_second = option == _FIRST and any(one.startswith(f"{_FIRST} ") for one in options)
            options.append(f"{_MORE if is_second else option} {url}")
    return tuple(dict.fromkeys(options))


def _of_uv(content: object) -> Iterator[tuple[str, str]]:
    uv = table_in(content, "tool", "uv")
    for row in rows(uv.get("index")):
        option = _PAGE if row.get("format") == "flat" else _FIRST if row.get("default") is True else _MORE
        yield option, text(row.get("url"))
    yield _FIRST, text(uv.get("index-url"))
    for key, option in (("extra-index-url", _MORE), ("find-links", _PAGE)):
        listed = uv.get(key)
        yield from ((option, text(url)) for url in (listed if isinstance(listed, list) else []))


def _of_poetry(content: object) -> Iterator[tuple[str, str]]:
    sources = rows(table_in(content, "tool", "poetry").get("source"))
    keeps_pypi = any(text(row.get("name")).lower() == _PYPI for row in sources)
    for row in sources:
        comes_after = row.get("priority") in _AFTER_PYPI or row.get("secondary") is True
        yield _MORE if keeps_pypi or comes_after else _FIRST, text(row.get("url"))


def _of_pdm(content: object) -> Iterator[tuple[str, str]]:
    for row in rows(table_in(content, "tool", "pdm").get("source")):
        is_page = row.get("type") == "find_links"
        option = _PAGE if is_page else _FIRST if row.get("name") == _PYPI else _MORE
        yield option, text(row.get("url"))
