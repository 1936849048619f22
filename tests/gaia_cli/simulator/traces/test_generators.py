import pytest

from gaia_cli.simulator.options import GENERATORS_HELP, POLICIES_HELP
from gaia_cli.simulator.results.comparison import POLICY_NAMES
from gaia_cli.simulator.traces.generators import GENERATORS
from gaia_cli.simulator.traces.trace import Trace


def columns(trace: Trace) -> tuple[bytes, ...]:
    return tuple(column.tobytes() for column in (trace.arrival_s, trace.cpu_s, trace.gpu_s, trace.think_s))


@pytest.mark.parametrize("name", GENERATORS)
def test_the_same_seed_gives_the_same_trace_and_another_one_another(name: str) -> None:
    generate = GENERATORS[name]

    first, again, other = (columns(generate(seed)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_is_known_by_its_traces_name_and_says_what_it_is(name: str) -> None:
    assert GENERATORS[name](0).name == name
    assert GENERATORS[name].__doc__


def test_help_names_every_generator_and_every_policy() -> None:
    assert GENERATORS_HELP.split(", ") == list(GENERATORS)
    assert [text.partition(" (")[0] for text in POLICIES_HELP.split(", ")] == list(POLICY_NAMES)


def test_the_sleeper_waits_and_gains_nothing() -> None:
    trace = GENERATORS["sleeper"](0)

    assert trace.cpu_s == trace.gpu_s
    assert all(used < 0.02 * took for used, took in zip(trace.cpu_time_s, trace.cpu_s, strict=True))
