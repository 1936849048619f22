"""Python code, notebooks, fixes and dependency lists for the analyzer: the checks of benchmarks/fuzz_analyzer.py.

That one finds its own way with atheris; this one damages and mixes the same seeds, so that it runs everywhere.
"""

from functools import cache
from random import Random

from benchmarks.fuzz_analyzer import check, seeds
from tests.fuzz.chance import NASTY, damaged, pumped
from tests.fuzz.fuzzer import FuzzerInDirectory

_PUMPED_BYTES = 20_000
_WORDS = (
    b"\n", b"\n    ", b"\\\n", b"# noqa\n", b"# gaia: ignore\n", b"lambda: ", b"async ", b"await ", b"if x:\n",
    b"f'{", b'"""', b"%", b"!", b"import torch\n", b"from . import *\n", b"torch.", b".cuda()", b'device="cuda"',
    b".to(", b"x = ", b"@x\n", b"del x\n", b"global x\n", b"try:\n", b"match x:\n case ", b"*", b"**", b":=",
    b"class A(A): ", b"def f(", b"return f()\n", b"yield\n", b'"cells":', b'"source":', b'"cell_type":', b"null",
    b"[1e999]", b'"\\ud800"',
)  # fmt: skip
_BEGINNINGS = (
    b"1", b"'cuda'", b"2.5", b"[2, 3]", b"('cuda:0',)", b"{'a': 1}", b"x", b"torch.zeros(2, 2)", b"0x" + b"f" * 4000,
    b"1e308", b"-9",
)  # fmt: skip
_STEPS = (
    b"f'{@}{@}'", b"@ + @", b"@ * @", b"@ * 9", b"@ * 4000", b"[@, @]", b"(@, @)", b"[@] * 60", b"(*@, *@)",
    b"{'a': @, 'b': @}", b"{**@, **@}", b"@ or @", b"@ if x else [@]", b"(@, @)[x]", b"torch.zeros(@, @)",
    b"torch.zeros([@, @])", b"dict(a=@, b=@)", b"str(@) + str(@)", b"[@ for _ in @]", b"lambda: (@, @)",
    b"'%s%s' % (@, @)", b"@.to(@)", b"min(@, @)", b"@[0]", b"@ - @", b"@ / @", b"@ @ @", b"@ ** 2",
)  # fmt: skip
_USES = (
    b"torch.zeros(@)", b"torch.zeros(3).to(@)", b"torch.zeros(3, device=@)", b"torch.matmul(@, @)",
    b"b = @ if x else (@, 1)", b"@.cuda()", b"for i in range(@): torch.zeros(i)", b"x.from_pretrained(@)",
    b"print(f'{@}')", b"import subprocess; subprocess.run(@)", b"b = {@: @}",
)  # fmt: skip


def _growing(random: Random) -> bytes:
    """Return code in which every name stands for twice the one before: what it spells is never to be written out."""
    steps = [random.choice(_STEPS) for _ in range(random.randint(1, 3))]
    lines = [b"import torch", b"a0 = " + random.choice(_BEGINNINGS)]
    for number in range(1, random.choice((3, 12, 30, 60))):
        before = b"a%d" % (number - 1)
        lines.append((b"a%d = " % number) + random.choice(steps).replace(b"@", before))
    lines += [use.replace(b"@", before) for use in random.sample(_USES, 2)]
    return b"\n".join(lines) + b"\n"


@cache
def _seeds() -> list[bytes]:
    return sorted(set(seeds()))


class Code(FuzzerInDirectory):
    """Gives damaged code to the linter, the analyzer and the fixes."""

    name = "code"
    limit_s = 20.0

    def make(self, random: Random) -> bytes:
        if random.random() < 0.1:
            return bytes([random.randrange(4)]) + _growing(random)
        data = random.choice(_seeds())
        if random.random() < 0.2:
            other = random.choice(_seeds())[1:]
            data = data[: random.randint(1, len(data))] + other[random.randint(0, len(other)) :]
        data = data[:1] + damaged(random, data[1:], _WORDS + NASTY)
        return data[:1] + pumped(random, data[1:], _PUMPED_BYTES, _WORDS + NASTY) if random.random() < 0.05 else data

    def check(self, case: bytes) -> None:
        check(case, self.directory)
