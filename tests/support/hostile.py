"""Text as a hostile project, function or client writes it, and what a terminal and a runner of CI must never get."""

import os
import pty
import re
import subprocess
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from hypothesis import strategies as st

COMMANDS = ("::add-mask::e", "::set-output name=a::b", " \t::error::f", "##[set-output name=a;]b", "##vso[task.x]")
HOSTILE = (
    *COMMANDS,
    "##teamcity[x",
    "\x1b]0;OWNED\x07", "\x1b]8;;http://evil\x1b\\", "\x1b]52;c;aGk=\x07", "\x1b[2J", "\x9b31m", "\x9d0;x\x9c",
    "\r", "\n", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\t", "\0", "\x7f",
    "\u202e", "\u2066", "\u2069", "\u200e", "\u061c", "\u200b", "\ufeff", "\ufe0f", "\u3164",
    "\u2800", "\U0001d159", "\u0338", "z" + "\u0338" * 12, "--- x", "+++ x", "\n~~~ x", "travis_fold:start:x", ":1:2: ",
    "\U000e0041", "\U000e0101", "\udce9", "\ud83d", "]]>", "<img src=x>", '"', "'", "&", "%0A", "\\", "\\n",
    "[red]", "[/]", "[link=http://evil]", ":bomb:", "](http://evil)", "ä", "雪",
)  # fmt: skip
"""Each piece alone does harm somewhere."""

_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef"
    "\u2800\ufffc\U00013441\U00013442\U00016fe4\U0001d159]"
)
_COMMAND = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)
_FOLD = re.compile(r"^(?:---|\+\+\+|~~~|\^\^\^)[^\S\n].*|travis_(?:fold|time):(?:start|end):", re.MULTILINE)

texts = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=3), min_size=1, max_size=8).map("".join).filter(bool)
"""Hostile text of any kind."""

names = texts.map(lambda text: re.sub("[\0/\ud800-\udc7f\udd00-\udfff]", "", text)[:60]).filter(
    lambda name: name.strip(".")
)
"""Hostile names that a file may have."""


def unseen(text: str, but: str = "\n") -> set[str]:
    """The characters of `text` that steer a terminal or stay invisible, `but` for those that are meant."""
    hidden = {one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")}
    return {*hidden, *_UNSEEN.findall(text)} - set(but)


def commands(text: str) -> list[str]:
    """What a runner of CI takes for commands in `text`."""
    return _COMMAND.findall(text)


def folds(text: str) -> list[str]:
    """What a runner of CI folds the lines below at."""
    return _FOLD.findall(text)


def on_a_terminal(command: list[str], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run `command` with a terminal for its output and its errors; return all that the terminal got."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env={**os.environ, **(env or {})}
    )
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # how Linux says that the last writer is gone
        pass
    finally:
        os.close(ours)
        process.wait(60)
    return written.decode(errors="replace").replace("\r\n", "\n")
