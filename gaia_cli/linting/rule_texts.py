"""What every code says of itself: the rules, the failures of the analysis, and the linter's own.

Loading this loads every rule, so only what shows rules imports it.
"""

from analyzers.formats.findings import RuleText
from analyzers.rules import FAILURES
from analyzers.rules.evidence import RULES
from analyzers.rules.hygiene_model import HygieneRule
from analyzers.rules.hygiene_registry import HYGIENE
from analyzers.rules.mode_model import ModeRule
from analyzers.rules.model import Rule
from analyzers.rules.modes import MODE_RULES
from gaia_cli.linting.profiles import UNUSED_SUPPRESSION, profile

_UNUSED_SUMMARY = "A comment silences a rule that finds nothing there."
_UNUSED_RATIONALE = (
    "The code has changed since, or the comment stands on another line than the finding. Left there, it would silence "
    "the next finding that nobody has looked at. Remove it."
)
_FAILURE_NAMES = {
    "GA901": "invalid-python",
    "GA902": "too-large",
    "GA903": "not-text",
    "GA904": "too-deep",
    "GA905": "too-entangled",
    "GA906": "rule-failed",
    "GA907": "inference-failed",
}


_FAILURE_ADVICE = {
    "GA901": "Correct the syntax. A template, or a file for another Python, is left out with `exclude`. Of a notebook "
    "the first cell that is not Python is named.",
    "GA902": "1 MiB, and 16 MiB for a notebook, whose code is held to 1 MiB too. Such files are data or generated; "
    "leave them out with `exclude`.",
    "GA903": "Save it as UTF-8, or declare its encoding in the first line. A notebook must be JSON of format 4.",
    "GA904": "Such code is generated. Leave it out with `exclude`, or break its largest expression into several.",
    "GA905": "What a device is depends on more values than the budget of the analysis follows, so one device may stay "
    "unknown; the verdict is then never `cpu`. A plain assignment of the device near its use helps.",
    "GA906": "The other rules have looked at the file. Please report it, with the file where you can.",
    "GA907": "Everything else has looked at the file. Please report it, with the file where you can.",
}

_NO_SILENCE = "No comment silences it: an unread file proves nothing."


def rule_texts() -> dict[str, RuleText]:
    """Every code's text, in the order of the codes."""
    rules: list[Rule | HygieneRule | ModeRule] = [*RULES, *HYGIENE, *MODE_RULES]
    texts = {rule.code: _text(rule.code, rule.name, rule.summary, _help(rule)) for rule in rules}
    unused = f"{_UNUSED_SUMMARY}\n\n{_UNUSED_RATIONALE}\n"
    texts[UNUSED_SUPPRESSION] = _text(UNUSED_SUPPRESSION, "unused-suppression", _UNUSED_SUMMARY, unused)
    for code, meaning in FAILURES.items():
        texts[code] = _text(
            code, _FAILURE_NAMES[code], meaning, f"{meaning}\n\n{_FAILURE_ADVICE[code]}\n\n{_NO_SILENCE}\n"
        )
    return dict(sorted(texts.items()))


def _text(code: str, name: str, summary: str, markdown: str) -> RuleText:
    known = profile(code)
    return RuleText(code, name, summary, markdown, known.level, known.confidence)


def _help(rule: Rule | HygieneRule | ModeRule) -> str:
    found = _example("Found", rule.matches[:1])
    passes = _example("Not found", rule.passes[:1])
    silence = f"Silence it on one line with `# gaia: ignore[{rule.code}] reason`.\n"
    return f"{rule.summary}\n\n{rule.rationale}\n\n{found}{passes}{silence}"


def _example(title: str, examples: tuple[str, ...]) -> str:
    return "".join(f"{title}:\n\n```python\n{example.rstrip()}\n```\n\n" for example in examples)
