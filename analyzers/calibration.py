"""The numbers of the verdict, and where they come from: `scripts/fit_verdict.py` prints them.

What a finding weighs, in log-odds for the GPU, is in its rule's `weights`, of a framework in
rules/knowledge/libraries.tsv. All are fitted to 966 functions of 279 sources whose authors declared CPU or GPU to a
platform, with the declaration removed: examples and models for Cerebrium, Beam, Modal, Truss, BentoML, Cog, RunPod,
fal, Ray Serve and Spaces, serverless functions of AWS and Google Cloud, serverless benchmarks, and the test data of the
paper's prototype. scripts/labelled_functions.tsv names them; docs/analyzer.md gives the figures, also on functions that
were held out.
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
    """Return the probability that a GPU is the right start for a function that runs on both and has this `score`."""
    return logistic(SLOPE * score + SHIFT)


def logistic(value: float) -> float:
    """Return the probability with the log-odds `value`."""
    return 1 / (1 + math.exp(-max(min(value, 50.0), -50.0)))


def confidence(probability: float) -> float:
    """Return `probability` as a verdict states it: two digits, never below a coin toss and never certain."""
    return round(min(max(probability, FLOOR), CEILING), 2)


LARGE_WORK = 2.0
"""From this weight on, a finding shows work that no CPU is meant for."""

WORTH_NAMING = -0.2
"""From this weight down, a finding for the CPU is worth naming as the reason: plumbing beside a model is not."""

BILLION = 1000.0
_SCALE = ((7 * BILLION, 4.0), (BILLION, 3.0), (500.0, 1.5), (300.0, 0.4), (150.0, 0.0))
LIGHTEST_MODEL = -0.6


def model_weight(millions: float) -> float:
    """Return what a model of so many million parameters weighs (GA501, GA503).

    One token or picture of a model above a billion takes seconds on a CPU.
    """
    return next((weight for least, weight in _SCALE if millions >= least), LIGHTEST_MODEL)
