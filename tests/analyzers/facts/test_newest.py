"""What is kept of what was made: the newest, up to a number of characters."""

from analyzers.facts.newest import Newest


def test_the_oldest_make_room_and_one_that_was_asked_for_is_new_again() -> None:
    kept: Newest[int] = Newest(10)
    for number, key in enumerate("abc"):
        kept.keep(key, number, 3)
    assert kept.get("a") == 0

    kept.keep("d", 3, 3)

    assert [key for key in "abcd" if key in kept] == ["a", "c", "d"]


def test_one_thing_may_be_larger_than_all_and_its_room_comes_back() -> None:
    kept: Newest[str] = Newest(10)
    kept.keep("large", "x", 99)
    assert kept.get("large") == "x"

    kept.keep("a", "a", 5)
    kept.keep("a", "b", 6)
    kept.keep("b", "c", 4)

    assert (kept.get("large"), kept.get("a"), kept.get("b")) == (None, "b", "c")
