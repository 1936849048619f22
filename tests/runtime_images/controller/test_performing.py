"""Orders as the API takes them."""

from runtime_images.controller.deciding.actions import Tell, Word
from runtime_images.controller.performing import cut, event_of
from runtime_images.policy.model import GPU

ROUTE = {"metadata": {"name": "hello", "namespace": "prod", "uid": "u-1"}}


def test_a_note_is_cut_by_bytes_and_never_in_the_middle_of_a_letter() -> None:
    assert cut("short") == "short"
    for note in ("a" * 5000, "ä" * 5000, "日本" * 3000, "x" + "😀" * 2000):
        assert len(cut(note).encode()) <= 1024
        assert cut(note).endswith("...")


def test_an_event_says_what_about_which_route() -> None:
    event = event_of(Tell(Word.LOST, "gone", GPU), ROUTE, 1_795_873_355.0)

    assert event["involvedObject"]["uid"] == "u-1"
    assert (event["reason"], event["type"], event["firstTimestamp"]) == (
        "BackendLost",
        "Warning",
        "2026-11-28T13:42:35Z",
    )


def test_what_is_told_once_has_one_name_whoever_tells_it_and_when() -> None:
    told = Tell(Word.HELD, "held", GPU, once="u-1 kubectl")
    first, second = event_of(told, ROUTE, 1.0), event_of(told, ROUTE, 2.0)
    other = event_of(Tell(Word.HELD, "held", GPU, once="u-1 argocd"), ROUTE, 1.0)

    assert first["metadata"]["name"] == second["metadata"]["name"] != other["metadata"]["name"]
    assert event_of(Tell(Word.SWITCHED, "a", GPU), ROUTE, 1.0) != event_of(Tell(Word.SWITCHED, "a", GPU), ROUTE, 2.0)
