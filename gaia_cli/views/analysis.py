"""The report of `gaia analyze`: the mode and the reason first, then the evidence with the code it stands on.

A finding looks as in compilers: what was found, where, the line with its number, and a mark under the place. Findings
of one rule with one message share an entry, so that the report repeats nothing.

Of several functions each has a row, which `grep` can take apart. Below it stands what must not be missed: that nothing
can keep its SLO, and which of its files could not be analyzed.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from analyzers import Analysis
from analyzers.findings import Finding, Signal
from analyzers.formats.full import counted
from analyzers.lean.printable import printable, stretch
from gaia_cli.views.console import answer, result
from runtime_images.policy.model import ExecutionMode

MOST_ENTRIES = 12
_MODES = {
    ExecutionMode.CPU: ("cyan", "never sees a GPU"),
    ExecutionMode.CPU_PREFERRED: ("green", "starts on the CPU, may be promoted to a GPU"),
    ExecutionMode.GPU_PREFERRED: ("yellow", "starts on a GPU where there is one, may be demoted to the CPU"),
    ExecutionMode.GPU: ("magenta", "needs a GPU and fails without one"),
}
_NARROWEST = 24


def show_analysis(analysis: Analysis, name: str, console: Console) -> None:
    """Draw the report of the function `name` on `console`."""
    _show_verdict(analysis, name, console)
    groups: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in analysis.findings:
        groups[finding.rule, finding.message].append(finding)
    entries = list(groups.values())
    for first, *others in entries[:MOST_ENTRIES]:
        console.print()
        _show_entry(first, others, console)
    if len(entries) > MOST_ENTRIES:
        console.print()
        console.print(f"and {len(entries) - MOST_ENTRIES} more: --output-format json lists all", style="dim")
    console.print()
    _show_files(analysis, console)


def _show_verdict(analysis: Analysis, name: str, console: Console) -> None:
    colour, meaning = _MODES[analysis.mode]
    if analysis.failures:
        colour, meaning = "red", "fallback: some files could not be analyzed"
    head = Text.assemble((printable(name), "bold"), "  ", (f" {analysis.mode} ", f"bold reverse {colour}"), "  ")
    console.print(head.append(meaning, colour))
    if analysis.slo_out_of_reach:
        console.print(Text(f"{_sentence(analysis.slo_out_of_reach)}.", style="bold red"))
    console.print(Text(f"{_sentence(analysis.reason)}. Confidence {analysis.confidence:.0%}."))
    for found in analysis.alternatives:
        console.print(Text(f"{printable(found.sentence)}.", style="dim"))


def _sentence(text: str) -> str:
    return printable(text[:1].upper() + text[1:])


def _show_entry(finding: Finding, others: list[Finding], console: Console) -> None:
    """Show a finding with its code, and others that say the same by their places."""
    failed = finding.signal is Signal.FAILURE
    console.print(Text.assemble((finding.rule, "bold red" if failed else "bold"), " ", finding.message))
    _show_code(finding, console)
    if others:
        places = ", ".join(other.place.shown for other in others[:4])
        more = f" and {len(others) - 4} more" if len(others) > 4 else ""
        console.print(Padding(Text(f"also {places}{more}", style="dim"), (0, 0, 0, 2)))


def _weight(finding: Finding) -> Text:
    """Return what the finding speaks for, and how strongly in log-odds; nothing when it only informs."""
    if not finding.weight:
        return Text()
    towards, colour = ("GPU", "magenta") if finding.weight > 0 else ("CPU", "cyan")
    return Text(f"  {towards} +{abs(finding.weight):.1f}", style=colour)


def _show_code(finding: Finding, console: Console) -> None:
    """Show the place, then the line with its number and a mark under what was found."""
    gutter = len(str(finding.place.line))
    arrow = Text(f"{' ' * gutter}--> {finding.place.shown}:{finding.place.column}", style="blue")
    console.print(Text.assemble(arrow, _weight(finding)), soft_wrap=True)
    if not finding.excerpt.strip():
        return
    code, start, end = _window(finding, max(console.width - gutter - 3, _NARROWEST))
    bar = Text(f"{' ' * gutter} | ", style="blue")
    line = Text.assemble((f"{finding.place.line} | ", "blue"), code)
    mark = Text.assemble(
        bar, " " * start, ("^" * (end - start), "bold red" if finding.signal is Signal.FAILURE else "bold yellow")
    )
    for text in (line, mark):
        text.no_wrap = True
        console.print(text, overflow="crop")


def _window(finding: Finding, width: int) -> tuple[str, int, int]:
    """Return the part of the line that fits, without its indentation, and where the mark begins and ends in it."""
    shown, start, end = stretch(finding.excerpt, finding.place.column, finding.place.end_column)
    code = shown.lstrip()
    indent = len(shown) - len(code)
    start = max(start - indent, 0)
    end = max(end - indent, start + 1)
    if end > width and start > width // 3:
        cut = start - width // 3
        code, start, end = "..." + code[cut + 3 :], start - cut, end - cut
    return code[:width], start, min(end, max(width, start + 1), max(len(code), start + 1))


def _show_files(analysis: Analysis, console: Console) -> None:
    files = analysis.files
    names = ", ".join(files) if len(files) <= 6 else f"{', '.join(files[:5])} and {len(files) - 5} more"
    count = f"{len(files)} file{'' if len(files) == 1 else 's'}"
    console.print(Text(f"Read {count} in {analysis.duration_s * 1000:.0f} ms: {printable(names)}", style="dim"))


def show_functions(rows: Sequence[tuple[str, Analysis]]) -> None:
    """Write a row for each function, by its path."""
    if rows:
        answer(result, "\n".join(_rows(rows)))


def _rows(rows: Sequence[tuple[str, Analysis]]) -> Iterator[str]:
    paths = [printable(path) for path, _ in rows]
    first = max(map(len, paths))
    second = max(len(analysis.mode) for _, analysis in rows)
    for path, (_, analysis) in zip(paths, rows, strict=True):
        confidence = f"{analysis.confidence:4.0%}"
        yield f"{path:{first}}  {analysis.mode:{second}}  {confidence}  {printable(analysis.reason)}"
        below = [analysis.slo_out_of_reach] if analysis.slo_out_of_reach else []
        below += [f"{one.place.shown}: {one.message} [{one.rule}]" for one in analysis.failures]
        yield from (f"  {printable(said)}" for said in below)
    modes = [analysis.mode for _, analysis in rows]
    counts = ", ".join(f"{modes.count(mode)} {mode}" for mode in dict.fromkeys(sorted(modes)))
    yield f"{counted(len(rows), 'function')}: {counts}. gaia analyze PATH shows what the code of one says.\n"
