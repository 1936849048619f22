"""Random numbers are new in each forked worker; what a library has seeded with a number of its own stays."""

import random
from pathlib import Path

from runtime_images.dynamic_runtime.worker.forking.dice import Dice
from tests.support.libraries import python_with
from tests.support.serving import serving, write_function


def test_generators_seeded_by_chance_are_seeded_anew_and_others_are_not() -> None:
    before = random.Random.seed
    with Dice() as dice:
        by_chance, own, later = random.Random(), random.Random(7), random.Random()  # noqa: S311
        later.seed(7)
    states = [one.getstate() for one in (by_chance, own, later)]
    dice.throw()
    after = [one.getstate() for one in (by_chance, own, later)]

    assert [old == new for old, new in zip(states, after, strict=True)] == [False, True, True]
    assert random.Random.seed is before


def test_libraries_draw_other_numbers_in_each_worker(tmp_path: Path) -> None:
    libraries = """
        import random
        import numpy

        own = random.Random()
        meant = random.Random(1)
        generator = numpy.random.default_rng()
        fixed = numpy.random.default_rng(1)
        legacy = numpy.random.RandomState()

        def numbers():
            mine = [own.random(), generator.random(), legacy.rand(), numpy.random.rand(), random.random()]
            return mine, [meant.random(), fixed.random()]
    """
    python = python_with("numpy")
    site = next(Path(python).parents[1].glob("lib/python*/site-packages"))
    write_function(site, libraries, "library_that_draws.py")
    source = """
        import os
        import library_that_draws

        def handler(payload):
            return [*library_that_draws.numbers(), os.getpid()]
    """
    with serving(
        write_function(tmp_path, source), True, GAIA_MODE="cpu_preferred", GAIA_FUNCTION_PYTHON=python
    ) as running:
        running.admin("POST", "/pin")
        drawn = [running.post({}).json()]
        for backend in ("gpu", "cpu"):
            running.switch(backend)
            drawn.append(running.post({}).json())

    assert len({pid for _, _, pid in drawn}) == 3
    for numbers in zip(*(mine for mine, _, _ in drawn), strict=True):
        assert len(set(numbers)) == 3
    assert drawn[0][1] == drawn[1][1] == drawn[2][1]
