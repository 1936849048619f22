"""A report for the formats: one finding of each level, with everything in it that an encoding could trip over."""

from analyzers.formats.findings import Level, LintFinding, Report, RuleText

SOURCE = 'import torch\nx = torch.zeros(3).to("cuda")\ny = torch.zeros(3).to("cuda")\n'


def finding(code: str = "GA701", level: Level = Level.WARNING, **changes: object) -> LintFinding:
    """A finding on line 2 of src/func.py, with `changes`."""
    fields: dict[str, object] = {
        "code": code,
        "level": level,
        "confidence": 0.95,
        "path": "src/func.py",
        "line": 2,
        "column": 20,
        "end_column": 27,
        "message": '"cuda" is hard-coded, ask first',
        "excerpt": 'x = torch.zeros(3).to("cuda")',
    }
    return LintFinding(**(fields | changes))  # type: ignore[arg-type] # the fields above are its own


FINDINGS = (
    finding(),
    finding("GA201", Level.NOTE, line=3, message="50% <odd> & 'quoted'\nsecond: line, \x1b[31m\x00"),
    finding(
        "GA901", Level.ERROR, path="src/a b/ä.py", line=1, column=1, end_column=2, message="not Python", excerpt=""
    ),
)
RULES = {
    code: RuleText(code, name, f"{name} it is.", f"{name} it is.\n\n`Really`.\n", level, 0.8)
    for code, name, level in (
        ("GA201", "pinned-device", Level.NOTE),
        ("GA701", "hard-coded-device", Level.WARNING),
        ("GA901", "invalid-python", Level.ERROR),
    )
}
FILES = ("src/func.py", "src/a b/ä.py", "src/clean.py")


def report(*findings: LintFinding, fails_from: Level = Level.WARNING) -> Report:
    """A report of `findings`, by default of `FINDINGS`."""
    return Report(findings or FINDINGS, FILES, "1.2.3", fails_from, RULES, {"src/func.py": SOURCE})


def empty_report() -> Report:
    """A report of a run that found nothing."""
    return Report((), FILES, "1.2.3", Level.WARNING, RULES, {})
