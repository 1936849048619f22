"""GA802: a mode with a GPU is pinned for code that cannot use one."""

from analyzers.rules.declared import Declared, declaration_rule
from analyzers.rules.rule import Hit, Hits
from runtime_images.policy.model import ExecutionMode

_SURE = 0.75
"""Below this confidence the analyzer may have missed what uses the GPU, and the author knows better."""
_WITH_GPU = (ExecutionMode.GPU, ExecutionMode.GPU_PREFERRED)


def _check(declared: Declared) -> Hits:
    verdict = declared.verdict
    if declared.pin in _WITH_GPU and verdict.mode is ExecutionMode.CPU and verdict.confidence >= _SURE:
        yield Hit(declared.pin_place, f"pinned to {declared.pin}, but {verdict.reason}")


RULE = declaration_rule(
    code="GA802",
    name="pin-without-use",
    summary="The pinned mode has a GPU, but nothing in the code can use one.",
    rationale="The function pays for a GPU that does nothing while others wait for it. Where the analyzer is not sure "
    "that nothing uses a GPU, it reports nothing.",
    remedy="Remove the pin.",
    confidence=0.8,
    check=_check,
    matches=(
        '# gaia.toml\n[mode]\npin = "gpu"\n# func.py\nimport json\ndef handler(payload):\n    return json.dumps(1)\n',
    ),
    passes=(
        '# gaia.toml\n[mode]\npin = "cpu"\n# func.py\ndef handler(payload):\n    return payload\n',
        (
            '# gaia.toml\n[mode]\npin = "gpu"\n# func.py\nimport torch\ndef handler(payload):\n'
            "    return torch.ones(payload).tolist()\n"
        ),
    ),
)
