"""What a value is does not depend on what was asked for first, however deep code is and in whatever circles it goes."""

import pytest

from analyzers.facts.model import Scalar, constants
from tests.analyzers.support import facts_of

DEEP = "import torch\na0 = 'cuda'\n" + "".join(f"a{n} = a{n - 1}\nnet.to(a{n})\n" for n in range(1, 151))
MUTUAL = """\
import torch
def first(net, device=None):
    net.to(device)
    return second(net, [device])
def second(net, device):
    net.to(device[0])
    return third(net, device[0])
def third(net, device="cpu"):
    net.to(device)
    return first(net, device) or first(net, "cuda")
"""
CHOSEN = """\
import torch
def pick(name):
    other = place(name) if name else "cuda"
    net.to(other)
    return other
def place(name):
    other = pick(name) if pick(name) == "cpu" else "cpu"
    net.to(other)
    return other
net.to(pick(1))
net.to(place(2))
"""
CODE = {
    "a long chain of names": DEEP,
    "functions that hand a device round": MUTUAL,
    "functions that choose by each other": CHOSEN,
}


def _devices(code: str, *, last_first: bool) -> dict[int, set[Scalar]]:
    """Return the device of each `to` in `code` by its line, asked for in the order of the lines or backwards."""
    calls = sorted(facts_of(code).calls(), key=lambda call: call.place.line, reverse=last_first)
    return {call.place.line: set(constants(call.args[0].value)) for call in calls if call.method == "to"}


@pytest.mark.parametrize("what", CODE)
def test_a_value_is_the_same_whatever_is_asked_for_first(what: str) -> None:
    assert _devices(CODE[what], last_first=False) == _devices(CODE[what], last_first=True)


def test_a_chain_of_names_is_followed_to_its_end_whichever_is_asked_for_first() -> None:
    assert all(device == {"cuda"} for device in _devices(DEEP, last_first=True).values())
