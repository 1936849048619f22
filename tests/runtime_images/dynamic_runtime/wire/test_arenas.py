"""Arenas: slots never overlap and are never lost, and the memory is closed to whom it is not for."""

import errno
import fcntl
import mmap
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.wire import arenas
from runtime_images.dynamic_runtime.wire.arenas import PAGE_BYTES, PLACE, ArenaError, Slots

SIZE = 64 * PAGE_BYTES
steps = st.lists(st.tuples(st.booleans(), st.integers(0, 20 * PAGE_BYTES), st.integers(0, 1000)), max_size=60)


@pytest.fixture
def memory() -> Iterator[int]:
    fd = arenas.create("test", SIZE)
    assert fd is not None, "this kernel has no sealed memory"
    yield fd
    os.close(fd)


def placed(writer: arenas.Writer, body: bytes) -> arenas.Slot:
    slot = writer.place(body)
    assert slot is not None
    return slot


@given(steps)
def test_slots_never_overlap_and_are_all_free_again_in_the_end(history: list[tuple[bool, int, int]]) -> None:
    slots, held = Slots(SIZE), dict[int, int]()
    for takes, length, which in history:
        if takes:
            offset = slots.take(length)
            if offset is not None:
                assert all(offset + length <= start or offset >= end for start, end in held.items())
                assert 0 <= offset <= SIZE - length
                assert offset % PAGE_BYTES == 0
                held[offset] = offset + length
        elif held:
            offset = sorted(held)[which % len(held)]
            del held[offset]

            assert slots.give_back(offset)
        assert len(slots.taken) == len(held)
    for offset in held:
        assert slots.give_back(offset)

    assert slots.take(SIZE) == 0


@given(steps)
def test_a_slot_is_refused_only_where_no_gap_is_large_enough(history: list[tuple[bool, int, int]]) -> None:
    slots, pages = Slots(SIZE), [0] * (SIZE // PAGE_BYTES)
    held: list[int] = []
    for number, (takes, length, which) in enumerate(history, 1):
        if takes:
            offset = slots.take(length)
            needed = max(1, -(-length // PAGE_BYTES))
            free = "".join("." if page == 0 else "x" for page in pages)

            assert offset == (None if "." * needed not in free else free.index("." * needed) * PAGE_BYTES)
            if offset is not None:
                first = offset // PAGE_BYTES
                pages[first : first + needed] = [number] * needed
                held.append(offset)
        elif held:
            offset = held.pop(which % len(held))
            owner = pages[offset // PAGE_BYTES]
            pages = [0 if page == owner else page for page in pages]
            slots.give_back(offset)


def test_what_is_not_taken_cannot_be_given_back() -> None:
    slots = Slots(SIZE)
    offset = slots.take(1)
    assert offset is not None

    assert not slots.give_back(offset + PAGE_BYTES)
    assert slots.give_back(offset)
    assert not slots.give_back(offset)


def test_a_body_comes_out_as_it_went_in(memory: int) -> None:
    writer, reader = arenas.Writer(memory), arenas.Reader(memory)
    first, second = b"a" * 5000, bytes(range(256)) * 40
    slots = [placed(writer, first), placed(writer, second)]

    assert [bytes(reader.part(slot.place)) for slot in slots] == [first, second]
    assert writer.taken == 2

    slots[0].free()

    assert writer.taken == 1
    assert bytes(reader.part(slots[1].place)) == second


def test_a_full_arena_takes_no_body_until_one_was_given_back(memory: int) -> None:
    writer = arenas.Writer(memory)
    first = placed(writer, b"x" * (SIZE - PAGE_BYTES))

    assert writer.place(b"x" * (PAGE_BYTES + 1)) is None

    first.free()

    assert writer.place(b"x" * SIZE) is not None


@given(
    st.binary(max_size=20)
    | st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)).map(lambda p: PLACE.pack(*p))
)
def test_a_place_outside_of_the_arena_is_refused(place: bytes) -> None:
    fd = arenas.create("test", SIZE)
    assert fd is not None
    reader = arenas.Reader(fd)
    os.close(fd)
    try:
        part = reader.part(place)
    except ArenaError:
        return

    assert len(place) == PLACE.size
    assert sum(PLACE.unpack(place)) <= SIZE
    assert len(part) == PLACE.unpack(place)[1]


def test_nobody_can_change_the_size(memory: int) -> None:
    for size in (0, SIZE - 1, SIZE + 1):
        with pytest.raises(PermissionError):
            os.ftruncate(memory, size)


def test_a_writer_that_is_alone_goes_on_writing_and_all_others_can_only_read(memory: int) -> None:
    writer = arenas.Requests(memory)

    with pytest.raises(PermissionError):
        arenas.Writer(memory)
    with pytest.raises(PermissionError):
        os.pwrite(memory, b"x", 0)
    with pytest.raises(PermissionError):
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
    body = b"still written".ljust(arenas.LEAST_BYTES + 1)
    slot = placed(writer, body)
    assert bytes(arenas.Reader(memory).part(slot.place)) == body


def test_another_process_can_read_but_in_no_way_write_what_one_writer_has(memory: int) -> None:
    writer = arenas.Requests(memory)
    placed(writer, b"the body of another request".ljust(arenas.LEAST_BYTES + 1))
    intruder = """
        import mmap, os, sys

        fd = int(sys.argv[1])
        tries = [
            lambda: mmap.mmap(fd, 0),
            lambda: mmap.mmap(fd, 0, prot=mmap.PROT_WRITE),
            lambda: os.write(fd, b"x"),
            lambda: os.ftruncate(fd, 0),
            lambda: mmap.mmap(os.open(f"/proc/self/fd/{fd}", os.O_RDWR), 0),
        ]
        for attempt in tries:
            try:
                attempt()
            except OSError:
                continue
            sys.exit("it was possible")
        memory = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
        print(memory[:27].decode())
    """
    command = [sys.executable, "-c", textwrap.dedent(intruder), str(memory)]
    done = subprocess.run(command, pass_fds=(memory,), capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "the body of another request\n", "")


def test_memory_that_is_still_read_stays_when_everything_else_is_gone() -> None:
    fd = arenas.create("test", SIZE)
    assert fd is not None
    writer = arenas.Writer(fd)
    reader = arenas.Reader(fd)
    part = reader.part(placed(writer, b"kept").place)
    os.close(fd)
    del reader, writer

    assert bytes(part) == b"kept"


def test_a_system_without_sealed_memory_has_no_arena(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSYS, "no such system call")

    monkeypatch.setattr(os, "memfd_create", refuse)
    assert arenas.create("test", SIZE) is None

    monkeypatch.delattr(os, "memfd_create")
    assert arenas.create("test", SIZE) is None


def test_memory_that_cannot_be_sealed_against_writers_has_no_lone_writer() -> None:
    fd = os.memfd_create("test", os.MFD_CLOEXEC)
    os.ftruncate(fd, SIZE)

    with pytest.raises(PermissionError):
        arenas.Requests(fd)

    os.close(fd)


def test_an_arena_takes_no_memory_before_it_is_used() -> None:
    fd = arenas.create("test", arenas.ARENA_BYTES)
    assert fd is not None
    writer = arenas.Writer(fd)
    for _ in range(100):
        placed(writer, b"x" * 100_000).free()
    used = os.fstat(fd).st_blocks * 512
    os.close(fd)

    assert used <= 100_000 + PAGE_BYTES + mmap.PAGESIZE
