"""The text of every rule in Markdown: for `gaia rule`, for SARIF, and for the pages in docs/rules.

Loading this loads every rule, so only what shows rules imports it.
"""

from typing import Any

from analyzers.findings import in_words
from analyzers.formats.findings import RuleText
from analyzers.rules.examination import all_rules
from analyzers.rules.rule import Rule
from gaia_cli.views.outputs import RuleOutput

_OTHER_FILES = ("# requirements.txt", "# files", "# gaia.toml", "# gaia.manifest.toml")


def rule_texts() -> dict[str, RuleText]:
    """Return every rule's text, sorted by code."""
    return {
        rule.code: RuleText(
            rule.code, rule.name, rule.summary, explained(rule, examples=1), rule.level, rule.confidence
        )
        for rule in all_rules()
    }


def as_object(text: RuleText, *, selected: bool) -> RuleOutput:
    """Return a rule as plain values."""
    return {
        "code": text.code,
        "name": text.name,
        "summary": text.summary,
        "level": text.level.word,
        "confidence": round(text.confidence, 2),
        "default": selected,
    }


def heading(level: str, confidence: float, *, hook: bool) -> str:
    """Return what a rule means for the linter, in words."""
    asked = "linted for by default" if hook else "linted for when selected"
    return f"{level}, {in_words(confidence)} confidence; {asked}"


def explained(rule: Rule[Any], *, examples: int | None = None) -> str:
    """Return a rule's text: what it finds and why, the fix, and at most so many `examples` of each kind."""
    parts = [rule.summary, rule.rationale]
    parts += [f"What to do: {rule.remedy}"] if rule.remedy else []
    parts += ["`gaia lint --fix` does so where that is safe."] if rule.fixable else []
    parts += _examples("Found", rule.matches[:examples]) + _examples("Not found", rule.passes[:examples])
    parts += [_silenced(rule)] if rule.matches else []
    return "\n\n".join(parts) + "\n"


def _examples(title: str, examples: tuple[str, ...]) -> list[str]:
    shown = [
        f"```{'text' if example.startswith(_OTHER_FILES) else 'python'}\n{example.rstrip()}\n```"
        for example in examples
    ]
    return [f"{title}:", *shown] if shown else []


def _silenced(rule: Rule[Any]) -> str:
    if rule.code.startswith("GA8"):
        return f"Leave it out with `gaia lint --ignore {rule.code}`."
    return f"Silence it on one line with `# gaia: ignore[{rule.code}] reason`."
