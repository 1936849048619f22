"""GA807: neither a CPU nor a GPU can keep the SLO, by the prediction."""

from analyzers.rules.declared import Declared, declaration_rule
from analyzers.rules.rule import Hit, Hits

_PRODUCT = (
    'import torch\ndevice = "cuda" if torch.cuda.is_available() else "cpu"\ndef handler(payload):\n'
    "    a = torch.rand(9000, 9000, device=device)\n    return float(torch.matmul(a, a).sum())\n"
)


def _check(declared: Declared) -> Hits:
    if declared.out_of_reach:
        yield Hit(declared.slo_place, declared.out_of_reach)


RULE = declaration_rule(
    code="GA807",
    name="slo-out-of-reach",
    summary="By the prediction neither backend can keep the SLO.",
    rationale="Whatever the mode is, requests will miss it: a switch moves them from one backend that is too slow to "
    "another. The prediction is made where the code says how much it computes, for the GPU in `[mode] hardware`.",
    remedy="Compute less, name a faster GPU in `[mode] hardware`, or ask for what can be kept.",
    confidence=0.8,
    check=_check,
    matches=(f"# gaia.toml\n[slo]\nlatency_p95_ms = 1\n# func.py\n{_PRODUCT}",),
    passes=(
        f"# gaia.toml\n[slo]\nlatency_p95_ms = 60000\n# func.py\n{_PRODUCT}",
        "# gaia.toml\n[slo]\nlatency_p95_ms = 1\n# func.py\ndef handler(payload):\n    return payload\n",
    ),
)
