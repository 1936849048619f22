"""What holds for any sequence of observations, sensible or not."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_images.policy.decide import PolicySettings, PolicyState, decide, initial_state
from runtime_images.policy.model import Backend, Decision, ExecutionMode, LaneObservation, Observation, Prices, Slo

seconds = st.floats(0.0, 100.0)
shares = st.none() | st.floats(0.0, 1.0)


@st.composite
def lanes(draw: st.DrawFn) -> LaneObservation:
    times = draw(st.lists(st.tuples(seconds, seconds), max_size=5))
    return LaneObservation(
        available=draw(st.booleans()),
        running=draw(st.booleans()),
        p95_s=draw(st.none() | seconds),
        recent_latencies_s=tuple(service + wait for service, wait in times),
        recent_services_s=tuple(service for service, _ in times),
        in_flight_ages_s=tuple(sorted(draw(st.lists(seconds, max_size=3)), reverse=True)),
        cpu_share=draw(shares),
        error_rate=draw(st.floats(0.0, 1.0)),
        start_up_s=draw(st.none() | seconds),
        finished=draw(st.integers(0, 12)),
    )


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    return Observation(
        active=draw(st.sampled_from(Backend)),
        switching_to=draw(st.none() | st.sampled_from(Backend)),
        lanes={backend: draw(lanes()) for backend in Backend},
        queue_ages_s=tuple(sorted(draw(st.lists(seconds, max_size=4)), reverse=True)),
        arrival_rate=draw(st.floats(0.0, 1000.0)),
        idle_s=draw(seconds),
        slots=draw(st.integers(1, 4)),
    )


slos = st.builds(Slo, st.none() | st.floats(1, 5000), st.none() | st.floats(0, 100))
prices = st.builds(Prices, st.floats(0, 2), st.floats(0, 2))
policies = st.builds(PolicySettings, st.sampled_from(ExecutionMode), slos, prices)
runs = st.lists(st.tuples(st.floats(0.0, 30.0), observations()), min_size=1, max_size=8)
fewer = settings(max_examples=50)


def play(policy: PolicySettings, run: list[tuple[float, Observation]]) -> list[tuple[Observation, Decision]]:
    state, now, made = initial_state(policy), 0.0, []
    for step_s, observation in run:
        now += step_s
        state, decision = decide(policy, state, observation, now)
        made.append((observation, decision))
    return made


@given(policies, runs)
@fewer
def test_a_decision_chooses_one_backend_and_says_why(
    policy: PolicySettings, run: list[tuple[float, Observation]]
) -> None:
    for _, decision in play(policy, run):
        assert {decision.chosen, decision.rejected} == set(Backend)
        assert decision.rule
        assert decision.reason
        assert "\n" not in decision.reason
        assert all(value is None or isinstance(value, float | str) for value in decision.inputs.values())


@given(policies, runs)
@fewer
def test_an_unavailable_backend_is_never_chosen(policy: PolicySettings, run: list[tuple[float, Observation]]) -> None:
    for seen, decision in play(policy, run):
        if decision.chosen is not seen.active:
            assert seen.lanes[decision.chosen].available


@given(policies, runs)
@fewer
def test_a_fixed_mode_never_switches(policy: PolicySettings, run: list[tuple[float, Observation]]) -> None:
    fixed = replace(policy, mode=ExecutionMode.CPU if policy.mode.initial_backend is Backend.CPU else ExecutionMode.GPU)

    for seen, decision in play(fixed, run):
        assert decision.chosen is seen.active


@given(policies, runs)
@fewer
def test_the_decision_is_a_function_of_its_inputs(policy: PolicySettings, run: list[tuple[float, Observation]]) -> None:
    assert play(policy, run) == play(policy, run)


@given(policies, runs)
@fewer
def test_a_function_that_waits_is_not_promoted_for_its_latency(
    policy: PolicySettings, run: list[tuple[float, Observation]]
) -> None:
    waiting = [
        (
            step_s,
            replace(
                seen,
                active=Backend.CPU,
                switching_to=None,
                lanes={
                    Backend.CPU: replace(seen.lanes[Backend.CPU], cpu_share=0.19, available=True),
                    Backend.GPU: seen.lanes[Backend.GPU],
                },
            ),
        )
        for step_s, seen in run
    ]

    for _, decision in play(policy, waiting):
        assert decision.chosen is Backend.CPU


@given(policies, runs)
@fewer
def test_the_old_state_is_left_as_it_was(policy: PolicySettings, run: list[tuple[float, Observation]]) -> None:
    state: PolicyState = initial_state(policy)

    decide(policy, state, run[0][1], 1.0)

    assert state == initial_state(policy)
