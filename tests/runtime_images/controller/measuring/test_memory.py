"""Many pods are one backend, and a pod that comes, goes, starts anew or is silent makes no number that is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_images.cluster.function import Scale
from runtime_images.controller.measuring.memory import FunctionMemory
from runtime_images.controller.measuring.prometheus import Prometheus
from runtime_images.policy.model import CPU, GPU
from runtime_images.policy.sampling import CPU_PER_HOUR
from tests.runtime_images.controller.measuring.support import Cluster, FakePod

QUICK = (0.1, 0.0)


def test_what_was_served_before_the_first_look_is_no_news() -> None:
    cluster = Cluster([FakePod("a", served=[QUICK] * 500)])
    first = cluster.known(100.0)

    assert first.lanes[CPU].recent_services_s == ()
    assert (first.lanes[CPU].finished, first.arrival_rate) == (0, 0.0)
    assert first.lanes[CPU].running


def test_answers_of_all_pods_are_added_up() -> None:
    one, two = FakePod("a"), FakePod("b")
    cluster = Cluster([one, two])
    cluster.known(100.0)
    one.served += [(0.1, 0.0)] * 30
    two.served += [(0.3, 0.0)] * 10
    lane = cluster.known(101.0).lanes[CPU]

    assert (lane.finished, lane.answered, len(lane.recent_services_s)) == (40, 40, 40)
    assert sum(lane.recent_services_s) == pytest.approx(6.0)
    assert sum(service_s > 0.2 for service_s in lane.recent_services_s) == 10


def test_each_answer_is_told_once() -> None:
    pod = FakePod("a")
    cluster = Cluster([pod])
    cluster.known(100.0)
    pod.served += [QUICK] * 5
    told = [cluster.known(101.0 + step).lanes[CPU] for step in range(3)]

    assert [len(lane.recent_services_s) for lane in told] == [5, 0, 0]
    assert [lane.finished for lane in told] == [5, 5, 5]


def test_requests_that_show_at_each_scrape_only_come_at_their_mean_rate() -> None:
    pod = FakePod("a")
    cluster = Cluster([pod], memory=FunctionMemory(0.0, Prometheus.rate_span_s))
    rates = []
    for second in range(180):
        if second % 15 == 0:
            pod.served += [(0.01, 0.0)] * 150
        rates.append(cluster.known(float(second)).arrival_rate)

    assert rates[90:] == pytest.approx([10.0] * 90, rel=0.05)


def test_numbers_that_grow_old_are_neither_a_falling_load_nor_time_without_a_request() -> None:
    pod = FakePod("a")
    cluster = Cluster([pod], memory=FunctionMemory(0.0, Prometheus.rate_span_s))
    for second in range(0, 90, 15):
        pod.served += [QUICK] * 150
        before = cluster.known(float(second))
    for pod.age_s in range(1, 45):
        later = cluster.known(75.0 + pod.age_s)
        assert later.arrival_rate == pytest.approx(before.arrival_rate) == pytest.approx(10.0)
        assert (later.idle_s, later.lanes[CPU].recent_services_s) == (before.idle_s, ())


def test_time_without_a_request_goes_on_where_old_numbers_are_followed_by_new_ones() -> None:
    pod = FakePod("a", idle_s=None)
    cluster = Cluster([pod], memory=FunctionMemory(0.0, Prometheus.rate_span_s))
    idle_s = []
    for second in range(46):
        pod.age_s = float(second % 15)
        idle_s.append(cluster.known(float(second)).idle_s)

    assert idle_s == [float(second - second % 15) for second in range(46)]


def test_a_pod_that_came_after_the_first_look_is_counted_from_its_beginning() -> None:
    cluster = Cluster([FakePod("a")])
    cluster.known(100.0)
    cluster.pods.append(FakePod("b", served=[QUICK] * 8))

    assert cluster.known(101.0).lanes[CPU].finished == 8


def test_a_pod_that_has_started_anew_gives_what_it_has_done_since() -> None:
    pod = FakePod("a", served=[QUICK] * 50)
    cluster = Cluster([pod])
    cluster.known(100.0)
    pod.served = [QUICK] * 3
    lane = cluster.known(101.0).lanes[CPU]

    assert (lane.finished, len(lane.recent_services_s)) == (3, 3)


@given(
    st.lists(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["serve", "restart", "go", "hide"]))),
             max_size=12)
)  # fmt: skip
@settings(max_examples=100)
def test_whatever_pods_do_no_number_is_negative_and_finished_never_goes_back(
    steps: list[list[tuple[str, str]]],
) -> None:
    pods = {name: FakePod(name) for name in "abcd"}
    cluster, finished = Cluster(list(pods.values())), 0
    for second, changes in enumerate(steps):
        gone = {name for name, what in changes if what == "go"}
        for name, what in changes:
            pods[name].answers = what != "hide"
            pods[name].served = [] if what == "restart" else pods[name].served + [QUICK] * 3
        cluster.pods = [pod for name, pod in pods.items() if name not in gone]
        measured = cluster.measure(100.0 + second)
        if measured is None:
            continue
        lane = measured.lanes[CPU]
        assert lane.finished >= finished
        assert min(lane.recent_services_s, default=0.0) >= 0.0
        assert measured.arrival_rate >= 0.0
        assert measured.idle_s >= 0.0
        finished = lane.finished


def test_where_fewer_than_half_of_the_pods_answer_nothing_is_known() -> None:
    cluster = Cluster([FakePod("a"), FakePod("b"), FakePod("c")])
    known = cluster.measure(100.0)
    cluster.pods[0].answers = cluster.pods[1].answers = False

    assert known is not None
    assert cluster.measure(101.0) is None


def test_those_that_answer_speak_for_those_that_do_not() -> None:
    cluster = Cluster([FakePod("a"), FakePod("b", answers=False)])
    cluster.known(100.0)
    cluster.pods[0].served += [QUICK] * 10

    assert cluster.known(105.0).arrival_rate == pytest.approx(20 / 5)


def test_a_pod_that_only_starts_need_not_answer() -> None:
    cluster = Cluster(
        [FakePod("a"), FakePod("b", ready=False, answers=False), FakePod("c", ready=False, answers=False)]
    )

    assert cluster.known(100.0).lanes[CPU].running


def test_without_pods_nothing_runs_and_nothing_waits() -> None:
    cluster = Cluster([])
    cluster.known(100.0)
    measured = cluster.known(130.0)

    assert not any(lane.running for lane in measured.lanes.values())
    assert (measured.queue_ages_s, measured.arrival_rate, measured.idle_s) == ((), 0.0, 30.0)


def test_a_gpu_is_lost_when_no_pod_has_one_any_more() -> None:
    pods = [FakePod("a", GPU, has_gpu=False, ready=False), FakePod("b", GPU, has_gpu=True)]
    cluster = Cluster(pods)
    with_one = cluster.known(100.0).lost
    pods[1].has_gpu = False

    assert with_one == {}
    assert "2 of 2 pods" in cluster.known(101.0).lost[GPU]


def test_errors_of_earlier_pods_are_no_evidence_against_new_ones() -> None:
    pod = FakePod("a")
    cluster = Cluster([pod])
    cluster.known(100.0)
    pod.failed = 10
    failing = cluster.known(101.0).lanes[CPU]
    cluster.pods = []
    cluster.known(102.0)
    cluster.pods = [FakePod("b", served=[QUICK] * 5)]
    anew = cluster.known(103.0).lanes[CPU]

    assert (failing.error_rate, failing.answered) == (1.0, 10)
    assert (anew.error_rate, anew.answered) == (0.0, 5)


BUSY = Scale(max=4, concurrency=2)


def test_what_waits_on_a_backend_that_widens_waits_for_a_pod() -> None:
    pod = FakePod("a")
    cluster = Cluster([pod], BUSY)
    cluster.known(100.0)
    pod.served += [(0.1, 0.5)] * 10
    pod.in_flight, pod.waiting, pod.waiting_oldest_s = 2, 6, 0.6
    measured = cluster.known(101.0)
    lane = measured.lanes[CPU]

    assert measured.queue_ages_s == ()
    assert max(lane.recent_latencies_s) < 0.2, "only the service time counts"
    assert lane.price_per_s == pytest.approx(3 * CPU_PER_HOUR / 3600), "as many pods as will come are paid for"


def test_a_service_time_above_the_slo_counts_whatever_pods_may_come() -> None:
    pod = FakePod("a")
    cluster = Cluster([pod], BUSY)
    cluster.known(100.0)
    pod.served += [(0.8, 0.5)] * 10
    pod.in_flight, pod.waiting, pod.waiting_oldest_s = 2, 6, 0.6

    assert min(cluster.known(101.0).lanes[CPU].recent_latencies_s) > 0.7


@pytest.mark.parametrize(
    ("scale", "crowded"),
    [(Scale(max=1, concurrency=2), frozenset()), (BUSY, frozenset({CPU}))],
    ids=["most", "crowded"],
)
def test_where_no_pod_can_come_the_wait_counts(scale: Scale, crowded: frozenset[str]) -> None:
    pod = FakePod("a")
    cluster = Cluster([pod], scale, frozenset({CPU}) if crowded else frozenset())
    cluster.known(100.0)
    pod.served += [(0.1, 0.5)] * 10
    pod.in_flight, pod.waiting, pod.waiting_oldest_s = 2, 6, 0.6
    measured = cluster.known(101.0)

    assert len(measured.queue_ages_s) == 6
    assert min(measured.lanes[CPU].recent_latencies_s) > 0.5


def test_a_pod_that_does_not_come_is_not_waited_for_for_ever() -> None:
    pod = FakePod("a")
    cluster = Cluster([pod], BUSY)
    cluster.known(100.0)
    pod.in_flight, pod.waiting, pod.waiting_oldest_s = 2, 6, 0.6
    soon, later = cluster.known(101.0), cluster.known(120.0)
    cluster.pods.append(FakePod("b", in_flight=2, waiting=4, waiting_oldest_s=0.3))
    after_one_came = cluster.known(121.0)

    assert soon.queue_ages_s == ()
    assert len(later.queue_ages_s) == 6
    assert after_one_came.queue_ages_s == ()


def test_both_backends_cost_as_many_pods_as_the_load_needs_there() -> None:
    cpus, gpu = [FakePod(name) for name in "abcd"], FakePod("g", GPU)
    cluster = Cluster([*cpus, gpu], Scale(max=10, concurrency=1))
    cluster.known(100.0)
    for pod in (*cpus, gpu):
        pod.served += [(0.4 if pod.backend is CPU else 0.05, 0.0)] * 5
    lanes = cluster.known(105.0).lanes
    rate, target = 5.0, 0.7

    assert lanes[CPU].price_per_s == pytest.approx(-(-rate * 0.4 // target) * CPU_PER_HOUR / 3600)
    assert lanes[GPU].slots == 1
    assert lanes[CPU].slots == 4
