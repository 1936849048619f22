"""Every view, of functions, clients, traces and engines that write to steer a terminal or a runner of CI."""

import html
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from rich.console import Console

from analyzers import analyze
from analyzers.lean.printable import harmless, printable
from gaia_cli.engines.build import BuiltImage, Narrator
from gaia_cli.engines.setup_failure import setup_error
from gaia_cli.errors import GaiaError, UsageError
from gaia_cli.images.plan import ImagePlan
from gaia_cli.running.choose import Choice
from gaia_cli.running.history import RunHistory
from gaia_cli.running.plan import RunPlan
from gaia_cli.running.summary import summarize
from gaia_cli.simulator.results.comparison import compare, standings
from gaia_cli.simulator.world.scenario import Scenario
from gaia_cli.views import console
from gaia_cli.views.analysis import show_analysis
from gaia_cli.views.build import BuildSteps, report
from gaia_cli.views.errors import show_bug, show_error
from gaia_cli.views.live import LiveScreen, LiveView
from gaia_cli.views.run_lines import JsonScreen, LineScreen
from gaia_cli.views.simulation import SimulationView
from gaia_cli.views.simulation_report import Page
from runtime_images.events.lifecycle import SetupFailed
from runtime_images.events.model import Event
from runtime_images.policy.model import CPU, ExecutionMode, Slo
from tests.gaia_cli.simulator.support import closed
from tests.support.hostile import HOSTILE, commands, folds, names, texts, unseen
from tests.support.synthetic_run import Stream

ALL = "".join(HOSTILE)
COMPARED = compare(closed(20, cpu_s=2.0), Scenario(), ("gaia", "static-cpu", "oracle"))
SEVERAL = settings(max_examples=25)
"""For what takes long to draw."""


class Written:
    """What was written to both streams."""

    def __init__(self) -> None:
        self._streams = tuple(io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        self.out, self.err = "", ""

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Catch what is written meanwhile."""
        with redirect_stdout(self._streams[0]), redirect_stderr(self._streams[1]):
            yield
        for stream in self._streams:
            stream.flush()
            stream.seek(0)
        self.out, self.err = (stream.read() for stream in self._streams)


@contextmanager
def harmless_output() -> Iterator[Written]:
    """Catch what is written, and check that nothing in it steers anything."""
    written = Written()
    with written.caught():
        yield written
    for text in (written.out, written.err):
        assert unseen(text, but="\n\t") == set()
        assert commands(text) == []
        assert folds(text) == []


def unbroken(shown: str) -> str:
    """What is shown without the breaks of its lines, and as it was before it was made harmless."""
    seen = re.sub(r"\\x(2b|2d|3a|5e|7e|23)", lambda found: chr(int(found[1], 16)), shown)
    return re.sub(r"\s", "", seen)


def plan(text: str) -> RunPlan:
    """A plan of a run in which `text` stands wherever it can."""
    return RunPlan(text, ExecutionMode.CPU_PREFERRED, text, Choice("process", text), Choice("none", text), Slo())


def events(text: str) -> list[Event]:
    """A run in which `text` stands wherever the runtime, the function or its clients can write it."""
    stream = Stream()
    stream.add("log", backend="cpu", pid=1, stream="stdout", line=text, request=None)
    stream.add(
        "started", pid=1, function=text, mode="cpu_preferred", pinned=False, accelerator="none", backend="cpu",
        prices={"cpu_per_hour": 1, "gpu_per_hour": 2, "currency": text},
        slo={"latency_p95_ms": 250.0, "throughput_rps": None, "error_rate": None, "window_s": 10.0},
    )  # fmt: skip
    stream.add("ready", url=text, admin=text, backend="cpu", mode="cpu_preferred", entry=text, form=text, start_s=1)
    stream.t = 1.0
    stream.window({"cpu": 40.0}, reason=text)
    stream.add("log", backend="cpu", pid=1, stream="stdout", line=text, request=None)
    stream.add("setup_failed", backend="cpu", kind=text, message=text, path=text, line=3, log=[text])
    stream.add("gpu_lost", reason=text)
    stream.add("fallback", wanted="gpu", got="cpu", reason=text)
    stream.add("bad_answer", backend="cpu", pid=1, request=1, reason=text)
    stream.add(text, more=text)
    stream.decision("gpu", text)
    for phase in ("ordered", "moved", "failed"):
        stream.switch(1, "gpu", phase, {"ordered": 1.0, "ready": 1.5, "moved": 1.5}, text)
    stream.t = 2.0
    stream.stopped(text)
    return stream.events


def played(screen: LineScreen | LiveScreen, text: str) -> RunHistory:
    """Play a hostile run on a screen, from its address to its summary."""
    history = RunHistory()
    screen.address(text)
    screen.step(text)
    screen.plan(plan(text))
    for event in events(text):
        history.apply(event)
        screen.event(event, history)
    screen.summary(summarize(plan(text), history), history)
    screen.close()
    return history


@SEVERAL
@given(texts, names)
def test_a_report_of_hostile_code_is_harmless_and_names_its_file(text: str, name: str) -> None:
    code = f"import torch\nx = torch.zeros(3).to({'cuda:0' + text!r})\ny = {text!r}; z = torch.zeros(3).cuda()\n"
    with TemporaryDirectory() as directory, harmless_output() as written:
        file = Path(directory) / f"{name}.py"
        try:
            file.write_bytes(code.encode(errors="backslashreplace"))
        except OSError:  # a name of too many bytes
            return
        show_analysis(analyze(file), text, console.rich_console())

    assert unbroken(printable(f"{name}.py")) in unbroken(written.out)


def test_a_report_breaks_no_line_so_that_a_command_begins_the_next(tmp_path: Path) -> None:
    for width in range(1, 80):
        (tmp_path / "func.py").write_text(f'import torch\ntorch.zeros(3).to("cuda:0{"x" * width}::add-mask::e")\n')
        with harmless_output() as written:
            show_analysis(analyze(tmp_path), "name", console.rich_console())
        assert "GA201" in written.out


@given(texts)
def test_a_run_in_lines_is_a_line_an_event_whatever_the_function_writes(text: str) -> None:
    with harmless_output() as written:
        history = played(LineScreen(), text)

    said = [line for line in written.out.splitlines() if " log " in line and " CPU stdout: " in line]
    assert [unbroken(line.partition("stdout:")[2]) for line in said] == [
        unbroken(printable(f" {text.expandtabs()}"))
    ] * 2
    assert list(history.log) == [printable(text.expandtabs())] * 2


@given(texts)
def test_a_run_as_json_has_the_true_text_in_harmless_lines(text: str) -> None:
    with harmless_output() as written:
        played(JsonScreen(), text)

    records = [json.loads(line) for line in written.out.splitlines()]
    assert len(records) == len(events(text)) + 1
    if text.isascii():
        assert records[0]["line"] == text


@SEVERAL
@given(texts)
def test_the_live_view_keeps_its_size_and_shows_no_character_that_steers(text: str) -> None:
    history = RunHistory()
    for event in events(text):
        history.apply(event)
    for width, height in ((80, 24), (140, 40), (30, 10)):
        terminal = Console(width=width, height=height, file=io.StringIO(), force_terminal=True, record=True)
        terminal.print(LiveView(plan(text), history))
        lines = terminal.export_text().split("\n")[:-1]

        assert len(lines) <= height
        assert unseen("".join(lines), but="") == set()


@SEVERAL
@given(texts)
def test_what_a_terminal_gets_before_and_after_the_live_view_is_harmless(text: str) -> None:
    with harmless_output() as written:
        played(LiveScreen(console.rich_console()), text)

    assert "summary" in written.out


@SEVERAL
@given(texts)
def test_a_traces_name_is_text_in_tables_and_in_the_report(text: str) -> None:
    named = replace(COMPARED, trace=replace(COMPARED.trace, name=text))
    summary = standings([named, named], ("gaia", "static-cpu", "oracle"))
    with TemporaryDirectory() as directory, harmless_output() as written:
        view = SimulationView(as_json=False)
        view.trace(named)
        view.end([named, named], summary)
        page = Page(Path(directory) / "report.html")
        page.add(named)
        page.write(summary)
        report_text = (Path(directory) / "report.html").read_text("utf-8")

    assert written.out.startswith(harmless(printable(text))[:40].rstrip())
    assert f'<h2 id="t0">{html.escape(printable(text))}</h2>' in report_text


@given(texts)
def test_a_build_shows_what_engines_and_pip_say_as_text(text: str) -> None:
    image = ImagePlan("name", ExecutionMode.CPU, text, text, "", {}, ())
    with harmless_output() as written:
        with BuildSteps() as steps:
            steps.step(text)
            narrator = Narrator(steps.step)
            for line in (f"Collecting {text}", "Step 1 : COPY function", "x"):
                narrator.line(line)
        report(BuiltImage("id", ("gaia/name:latest",), image, 1, (text,), 1.0), text, as_json=False)

    assert len(written.err.splitlines()) == 3
    assert len(written.out.splitlines()) == 5


@given(texts)
def test_an_error_is_its_sentence_its_log_and_its_hint_each_on_its_lines(text: str) -> None:
    with harmless_output() as written:
        show_error(UsageError(text, text, [text, text]), as_json=True)
        show_bug(ValueError(text), ["lint", text], as_json=False, exit_code=UsageError.exit_code)

    lines = written.err.splitlines()
    assert [line.partition(" ")[0] for line in lines[:5]] == ["error:", "", "", "hint:", "error:"]
    assert json.loads(written.out)["error"]["hint"] == printable(text)


def test_a_function_that_cannot_be_loaded_says_why_in_harmless_lines() -> None:
    error = setup_error(SetupFailed(CPU, "import", ALL, log=(ALL, "boom")))

    with harmless_output() as written:
        show_error(error, as_json=False)

    assert len(written.err.splitlines()) == 4
    assert GaiaError(str(error)).message == printable(error.message)


@given(texts)
def test_notes_and_results_of_any_text_are_harmless(text: str) -> None:
    with harmless_output():
        console.note(text)
        console.result(text)


@given(texts)
def test_brackets_and_colons_are_text_to_rich(text: str) -> None:
    with harmless_output() as written:
        terminal = console.rich_console()
        terminal.width = 10_000
        terminal.print(printable(text))

    assert written.out.rstrip("\n") == harmless(printable(text)).rstrip("\n")


def test_progress_is_harmless_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    with redirect_stderr(terminal):
        console.progress(ALL)

    assert unseen(terminal.getvalue().removeprefix("\r\x1b[2K"), but="") == set()


def test_what_is_for_programs_is_utf_8_and_unchanged_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr("sys.stdout", stream)
    console.exact("ä\x1b ::error::")

    assert stream.buffer.getvalue() == "ä\x1b ::error::\n".encode()
