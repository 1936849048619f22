"""The strategies on paper: what is seen at a glance agrees with what is worked out."""

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_images.policy.planning.plans import NEVER, Terms, best, costs_s, would_rather_hold
from runtime_images.policy.state import CostAccount, Plan

VIOLATION_S = 30.0
TERMS = Terms(10.0, 1.1, 0.7, 15.0, VIOLATION_S)

amounts = st.floats(0.0, 2000.0)
paper = st.lists(st.builds(Plan, st.none(), amounts, amounts), min_size=5, max_size=5).map(tuple)
accounts = st.builds(
    CostAccount, requests=amounts, served=st.integers(0, 5000), missed=st.integers(0, 500), plans=paper
)


@given(accounts, st.builds(Terms, amounts, amounts, st.floats(0.0, 1.0), amounts, st.just(VIOLATION_S)))
@settings(max_examples=200)
def test_where_holding_was_better_than_going_without_the_gpu_is_not_given_up(
    account: CostAccount, terms: Terms
) -> None:
    if would_rather_hold(account, VIOLATION_S):
        assert best(account, terms) != NEVER


def test_a_late_request_costs_something_though_it_is_allowed() -> None:
    account = CostAccount(requests=1000, served=1000, plans=(Plan(missed=20.0), *[Plan(missed=10.0)] * 4))

    without, held, *_ = costs_s(account, TERMS)

    assert 0 < held < without < VIOLATION_S * 20
