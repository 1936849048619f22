"""The live view, rendered through rich to the sizes that terminals have."""

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from gaia_cli.running.choose import EMULATED_REASON, Choice
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.summary import summarize
from gaia_cli.views.glyphs import ASCII, UNICODE, glyphs_for
from gaia_cli.views.live import WRITTEN_LINES, LiveScreen, LiveView, frame
from runtime_images.events.model import Event
from runtime_images.events.traffic import LogLine, SloState
from runtime_images.policy.model import Backend, ExecutionMode, Slo
from tests.support.synthetic_run import Stream, matmul_run

PLAN = RunPlan(
    "matmul",
    ExecutionMode.CPU_PREFERRED,
    "no framework",
    Choice("process", "no Docker engine answers"),
    Choice("emulated", EMULATED_REASON),
    Slo(latency_p95_ms=250.0),
)
SIZES = [(80, 24), (140, 40), (40, 15), (60, 18), (59, 24), (200, 60), (30, 10), (80, 12), (20, 5)]


def history_of(events: list[Event], until_s: float = 1e9) -> RunHistory:
    history = RunHistory()
    for event in events:
        if not history.started or event.t - history.started <= until_s:
            history.apply(event)
    return history


def drawn(history: RunHistory, width: int, height: int, plan: RunPlan = PLAN) -> list[str]:
    """The lines that a terminal of this size shows, as rich prints them."""
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=True, record=True)
    console.print(LiveView(plan, history))
    return console.export_text().split("\n")[:-1]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("until_s", [0.1, 1, 17.9, 18.9, 30, 44, 60])
def test_nothing_is_wider_or_higher_than_the_terminal(width: int, height: int, until_s: float) -> None:
    lines = drawn(history_of(matmul_run(), until_s), width, height)

    assert len(lines) <= height
    assert max(len(line.rstrip()) for line in lines) <= width


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (40, 15)])
def test_what_matters_is_on_every_usual_terminal(width: int, height: int) -> None:
    text = "\n".join(drawn(history_of(matmul_run(), 30), width, height))

    for expected in (
        "matmul", "gpu_preferred", "SLO met", "250 ms", "emulated", "http://127.0.0.1:8080", "CPU", "GPU EMULATED",
        "serving", "p50", "p95", "p99", "/s", "failures 0", "GPU held", "cost", "CPU only", "GPU only",
    ):  # fmt: skip
        assert expected in text
    assert "…" not in text


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40)])
def test_the_lanes_stand_side_by_side_and_show_everything(width: int, height: int) -> None:
    lines = drawn(history_of(matmul_run(), 17.9), width, height)
    box = lines[3:10]

    assert box[0].startswith("╭─ CPU ")
    assert " GPU EMULATED " in box[0]
    assert all(len(line) == width for line in box)
    for expected in ("rate", "queue", "in flight", "cpu share", "errors", "21", "97 %", "1.18 s"):
        assert expected in "\n".join(box)
    assert any(set(line) & set(UNICODE.blocks[1:]) for line in box)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40)])
def test_one_time_axis_carries_the_latency_the_slo_and_the_switches(width: int, height: int) -> None:
    lines = drawn(history_of(matmul_run(), 44), width, height)

    (axis,) = [line for line in lines if line.strip().startswith("╰") and "▲" in line]
    assert axis.index("▲") < axis.index("▼")
    assert "━━━" in axis[axis.index("▲") : axis.index("▼")]
    assert "╌" in axis[: axis.index("▲")]
    assert any("SLO 250 ms ┄" in line for line in lines)
    assert any("0:00" in line and "0:10" in line and "0:40" in line for line in lines)


def test_a_switch_is_drawn_below_the_second_in_which_it_happened() -> None:
    lines = drawn(history_of(matmul_run(), 44), 80, 24)
    axis = next(line for line in lines if "▲" in line and "promote" not in line and "╰" in line)
    labels = next(line for line in lines if "0:10" in line and "0:20" in line)

    assert axis.index("▲") - labels.index("0:10") == 8
    assert axis.index("▼") - labels.index("0:40") == 0


def test_the_last_decisions_are_shown_with_their_reasons_the_newest_first() -> None:
    text = "\n".join(drawn(history_of(matmul_run(), 44), 140, 40))

    assert text.index("0:40  ▼ demoted to CPU") < text.index("0:39  move to CPU: 0.9 requests a second would take")
    assert text.index("0:18  ▲ promoted to GPU in 1.5 s") < text.index("0:00  stay on CPU")


def test_a_long_run_shows_its_last_minute() -> None:
    stream = Stream()
    stream.started()
    stream.ready()
    for second in range(1, 200):
        stream.t = float(second)
        stream.window({"cpu": 40.0})

    lines = drawn(history_of(stream.events), 80, 24)

    assert any("3:10" in line and "0:10" not in line for line in lines)


def test_an_slo_that_is_missed_says_so_in_words() -> None:
    assert "SLO missed  p95 1.18 s > 250 ms" in "\n".join(drawn(history_of(matmul_run(), 17.9), 80, 24))


def test_a_switch_that_is_under_way_is_shown() -> None:
    assert "starting GPU" in "\n".join(drawn(history_of(matmul_run(), 17.9), 80, 24))


@pytest.mark.parametrize("phase", ["failed", "given_up"])
def test_a_switch_that_moved_nothing_is_marked_on_the_axis(phase: str) -> None:
    stream = Stream()
    stream.started()
    stream.ready()
    stream.t = 5.0
    stream.window({"cpu": 40.0})
    stream.switch(1, "gpu", phase, {"ordered": 4.0}, "no memory left")

    assert any("✕" in line for line in drawn(history_of(stream.events), 80, 24))


def test_a_real_gpu_shows_what_it_does_and_is_not_called_emulated() -> None:
    gpu = {"name": "H100", "utilization": 0.43, "memory_used_mb": 2048, "memory_total_mb": 81920, "power_w": 212}
    stream = Stream(accelerator="nvidia")
    stream.started("gpu_preferred")
    stream.ready()
    stream.window({"gpu": 20.0}, gpu=gpu)
    plan = replace(PLAN, accelerator=Choice("nvidia", "an NVIDIA GPU answers"))

    text = "\n".join(drawn(history_of(stream.events), 80, 24, plan))

    assert "43 %" in text
    assert "2.0/80 GB" in text
    assert "emulated" not in text.lower()


def test_without_an_slo_nothing_is_missed() -> None:
    stream = Stream(slo_p95_ms=None)
    stream.started()
    stream.ready()
    stream.window({"cpu": 40.0})

    text = "\n".join(drawn(history_of(stream.events), 80, 24))

    assert "no SLO" in text
    assert "┄" not in text


def test_what_the_function_writes_is_shown_where_there_is_room() -> None:
    stream = Stream()
    stream.started()
    stream.ready()
    stream.add("log", backend="cpu", pid=1, stream="stdout", line="[bold]hello[/bold]", request=None)

    assert "  [bold]hello[/bold]" in drawn(history_of(stream.events), 140, 40)


def test_failures_are_counted() -> None:
    stream = Stream()
    stream.started()
    stream.ready()
    stream.errors["cpu"] = 3
    stream.window({"cpu": 40.0})

    assert "failures 3" in "\n".join(drawn(history_of(stream.events), 80, 24))


def test_a_terminal_without_unicode_gets_ascii_only() -> None:
    history = history_of(matmul_run(), 44)

    console = Console(width=80, height=24, file=io.StringIO(), record=True)
    for width in (80, 50, 30):  # the narrow ones cut lines off
        console.print(*frame(PLAN, history, width, 24, ASCII), sep="\n")
    text = console.export_text()

    assert text.isascii()
    assert any("^" in line and "v" in line for line in text.split("\n"))


def test_the_encoding_decides_about_the_characters() -> None:
    latin = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"))

    assert glyphs_for(latin) is ASCII
    assert glyphs_for(Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))) is UNICODE


def test_no_color_leaves_no_colour_and_loses_no_word() -> None:
    output = io.StringIO()
    console = Console(width=80, height=24, file=output, force_terminal=True, no_color=True)
    console.print(LiveView(PLAN, history_of(matmul_run(), 44)))

    assert "\x1b[3" not in output.getvalue()
    assert "\x1b[9" not in output.getvalue()
    assert "SLO met" in output.getvalue()


def with_an_error(error: str, slo_reason: str = "") -> RunHistory:
    """A run whose function has written a traceback that ends in `error`."""
    events = [event for event in matmul_run() if event.t < matmul_run()[0].t + 30]
    lines = ["Traceback (most recent call last):", '  File "func.py", line 2, in handler', error, "INFO: served"]
    history = history_of([*events, *(LogLine(Backend.CPU, 7, "stderr", line, 1) for line in lines)])
    if slo_reason:
        history.slo_state, history.slo_reason = SloState.MISSED, slo_reason
    return history


@pytest.mark.parametrize(("width", "height"), SIZES[:5])
def test_the_functions_last_error_stands_in_every_view(width: int, height: int) -> None:
    lines = drawn(with_an_error("Oops: why"), width, height)

    assert any("last error  Oops: why" in line for line in lines)
    assert len(lines) <= height


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(
    "error", ["\x1b[2J\x1b]0;title\x07Oops: \r\u202e\x9b31m", "漢字\t😀" * 60, "::error::x", "##[group]"]
)
def test_no_error_steers_the_view_or_breaks_its_lines(error: str, width: int, height: int) -> None:
    lines = drawn(with_an_error(error), width, height)

    assert len(lines) <= height
    assert all(cell_len(line.rstrip()) <= width for line in lines)
    assert not {"\x1b", "\x07", "\r", "\x9b", "\u202e"} & set("".join(lines))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (40, 15)])
def test_what_is_missed_of_an_slo_is_said_instead_of_what_is_met(width: int, height: int) -> None:
    text = "\n".join(drawn(with_an_error("Oops: why", "50 % errors, 5 % allowed"), width, height))

    assert "SLO missed: 50 % errors, 5 % allowed" in text
    assert "≤ 250 ms" not in text


def test_after_the_end_the_output_of_the_function_stands_above_the_summary() -> None:
    console = Console(width=80, height=24, file=io.StringIO(), force_terminal=True, record=True)
    history = with_an_error("Oops: why")
    for _ in range(40):
        history.apply(LogLine(Backend.CPU, 7, "stdout", "a line", 2))
    screen = LiveScreen(console)
    screen.summary(summarize(PLAN, history), history)
    text = console.export_text()

    assert text.index("function output") < text.index("Oops: why") < text.index("a line") < text.index("summary")
    assert text.count("a line") == WRITTEN_LINES
