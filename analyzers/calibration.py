"""The numbers of the verdict, and where they come from: `scripts/fit_verdict.py` prints them.

They are fitted to 966 functions of 279 sources whose authors declared CPU or GPU to a platform, with the declaration
removed: examples and models for Cerebrium, Beam, Modal, Truss, BentoML, Cog, RunPod, fal, Ray Serve and Spaces,
serverless functions of AWS and Google Cloud, serverless benchmarks, and the test data of the paper's prototype.
scripts/labelled_functions.tsv names them; docs/analyzer.md gives the figures, also on functions that were held out.
"""

import math

PRIOR = -0.80
"""Log-odds that a function which could use a GPU is better started on one, before anything else is known: the sum of
its findings has to reach 0.8, where most mistakes are avoided on both sides."""

SLOPE, SHIFT = 0.81, 0.48
"""How the distance of that sum from zero becomes a probability that the GPU is right: findings repeat each other, so
their sum promises too much, and the platforms of the data are for GPUs."""

NEEDS_GPU = 0.98
"""How often `gpu` is right when something needs one, counted and rounded down."""

NO_USE = 0.94
"""How often `cpu` is right when nothing can use a GPU, counted and rounded down."""

FLOOR, CEILING = 0.5, 0.99


def gpu_probability(score: float) -> float:
    """The probability that a GPU is the right start for a function that runs on both, with findings of `score`."""
    return 1 / (1 + math.exp(-max(min(SLOPE * score + SHIFT, 50.0), -50.0)))


def confidence(probability: float) -> float:
    """A probability as a verdict states it: two digits, never less than a coin and never certain."""
    return round(min(max(probability, FLOOR), CEILING), 2)


WEIGHTS: dict[str, dict[str, float]] = {
    "GA101": {"imported": 4.0, "imported if available": 0.3, "installed": 2.5, "installed on the GPU only": 0.2},
    "GA103": {"installed": 2.2, "installed on the GPU only": 0.2},
    "GA104": {"left over": 0.2, "used by a program": 1.8},
    "GA201": {"unguarded": 4.0},
    "GA202": {"chosen": 0.7},
    "GA203": {"default": 1.8},
    "GA204": {
        "needed": 3.5,
        "fails": 3.0,
        "asked about": 0.7,
        "cared for": 0.8,
        "cared for behind a test": 0.2,
        "seeded": 0.3,
        "autocast": 0.8,
        "scaled": 0.5,
    },
    "GA205": {"pinned": 4.0, "automatic": 2.5, "chosen": 0.8},
    "GA206": {"refuses": 4.0},
    "GA207": {"asks": 0.2},
    "GA208": {
        "needed": 3.5,
        "implementation": 3.0,
        "precision": 2.0,
        "wished": 1.5,
        "switched on": 2.0,
        "half precision": 1.5,
        "counted": 1.5,
        "layers": 2.5,
    },
    "GA209": {"float16": 1.0, "half": 1.0, "bfloat16": 0.5, "fp16": 1.0, "bf16": 0.5, "float8_e4m3fn": 2.0},
    "GA210": {"asked for": 2.0, "chosen": 0.3},
    "GA211": {"started": 2.5, "nvidia-smi": 1.8},
    "GA212": {"asks": 0.2},
    "GA301": {"always": 4.0, "behind a test": 1.0},
    "GA302": {"cuda": 4.0, "parallel": 0.0},
    "GA303": {"spread": 1.5, "jax": 0.4, "tensorflow": 0.0, "torch": 1.0},
    "GA304": {"compiled": 4.0, "compiled behind a test": 1.0, "portable": 1.0, "held": 2.0},
    "GA401": {"large": 1.0, "loader": 0.3, "gathered by the platform": 0.5, "list": 0.7},
    "GA402": {"large": 2.0, "sizable": 1.0, "on the CPU": 0.3},
    "GA403": {"sized by the caller": -0.3, "large": 1.5, "any": 0.0},
    "GA404": {"trainer": 2.0, "gradients": 1.4, "fit": 0.8},
    "GA405": {"gathered": 0.5},
    "GA502": {
        "diffusion pipeline": 3.5,
        "diffusion model": 2.0,
        "generator": 1.5,
        "encoder and decoder": 1.0,
        "audio": 3.0,
        "segmentation": 1.5,
        "restoration": 1.0,
    },
    "GA504": {"small": -0.6},
    "GA601": {"computes": -0.8, "prepares data": -0.2, "small models": -0.3},
    "GA602": {"build": -3.0, "of another library": -1.0, "by default": -0.3, "hides GPUs": -3.0},
    "GA603": {"sleeps": -0.2, "remote": -0.4},
    "GA604": {"handles": -0.1},
}
"""What a rule's finding weighs, in log-odds for the GPU, by the rule's code and the name that it gives the case.

The weight of a framework (GA102) stands beside its name, in rules/knowledge/frameworks.py."""

LARGE_WORK = 2.0
"""From this weight on, a finding speaks of work that no CPU is meant for."""

TELLING = -0.2
"""Down from this weight, a finding for the CPU is worth naming as the reason: plumbing beside a model is not."""

BILLION = 1000.0
_SCALE = ((7 * BILLION, 4.0), (BILLION, 3.0), (500.0, 1.5), (300.0, 0.4), (150.0, 0.0))
LIGHTEST_MODEL = -0.6


def model_weight(millions: float) -> float:
    """Return what a model of so many million parameters weighs (GA501, GA503).

    One token or picture of a model above a billion takes seconds on a CPU.
    """
    return next((weight for least, weight in _SCALE if millions >= least), LIGHTEST_MODEL)
