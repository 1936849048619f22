"""GA801: a mode is pinned in which the code cannot run."""

from analyzers.findings import Level
from analyzers.rules.declared import Declared, declaration_rule
from analyzers.rules.rule import Hit, Hits
from runtime_images.policy.model import ExecutionMode

_ENDS = {
    ExecutionMode.CPU: "never sees a GPU",
    ExecutionMode.CPU_PREFERRED: "starts without one",
    ExecutionMode.GPU_PREFERRED: "may be demoted to run without one",
}


def _check(declared: Declared) -> Hits:
    if declared.pin in _ENDS and declared.verdict.mode is ExecutionMode.GPU:
        end = _ENDS[declared.pin]
        yield Hit(declared.pin_place, f"pinned to {declared.pin}, which {end}, but {declared.verdict.reason}")


RULE = declaration_rule(
    code="GA801",
    name="pin-against-need",
    summary="The code cannot run in the mode that is pinned.",
    rationale="A pin overrides what the code says, so nothing else stops such a function from being deployed: it "
    "fails on its first request, or when it is demoted.",
    remedy="Guard the device in the code, or pin `gpu`.",
    check=_check,
    level=Level.ERROR,
    matches=(
        (
            '# gaia.toml\n[mode]\npin = "cpu"\n# func.py\nimport torch\ndef handler(payload):\n'
            '    return torch.ones(2, device="cuda").tolist()\n'
        ),
    ),
    passes=(
        (
            '# gaia.toml\n[mode]\npin = "gpu"\n# func.py\nimport torch\ndef handler(payload):\n'
            '    return torch.ones(2, device="cuda").tolist()\n'
        ),
        (
            '# gaia.toml\n[mode]\npin = "cpu"\n# func.py\nimport torch\n'
            'device = "cuda" if torch.cuda.is_available() else "cpu"\n'
            "def handler(payload):\n    return torch.ones(2, device=device).tolist()\n"
        ),
    ),
)
