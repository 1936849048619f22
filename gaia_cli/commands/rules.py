"""`gaia rules`: every rule in a table, and `gaia rule GA201`: what a rule finds and why; each also as JSON."""

import difflib
import textwrap

from gaia_cli.errors import ExitCode, UsageError
from gaia_cli.linting.rule_texts import as_object, heading, rule_texts
from gaia_cli.linting.selection import Selection
from gaia_cli.views import console
from gaia_cli.views.outputs import OUTPUT_SCHEMA, RuleHelpOutput, RulesOutput

_WIDTH = 100


def rules(output_format: str = "full") -> ExitCode:
    """List the rules: code, name, level, confidence, whether `gaia lint` asks for it by default, summary."""
    texts = rule_texts()
    by_default = {code for code in texts if Selection().wants(code)}
    if output_format == "json":
        listed = [as_object(text, selected=code in by_default) for code, text in texts.items()]
        console.json_line(RulesOutput(schema_version=OUTPUT_SCHEMA, rules=listed))
        return ExitCode.OK
    width = max(len(text.name) for text in texts.values())
    for code, text in texts.items():
        mark = "*" if code in by_default else " "
        console.result(f"{code} {mark} {text.name:<{width}}  {text.level.word:<7}  {text.summary}")
    console.result("\n* linted for by default; select the others with --select or --extend-select")
    return ExitCode.OK


def rule(name: str, output_format: str = "full") -> ExitCode:
    """Show the rule with this code or name."""
    texts = rule_texts()
    by_name = {text.name: text for text in texts.values()} | texts
    text = by_name.get(name.upper()) or by_name.get(name.lower())
    if text is None:
        near = difflib.get_close_matches(name, by_name, n=1)
        hint = f"did you mean {near[0]}?" if near else "`gaia rules` lists them"
        raise UsageError(f"no rule is called {name!r}", hint)
    selected = Selection().wants(text.code)
    if output_format == "json":
        about = as_object(text, selected=selected)
        console.json_line(RuleHelpOutput(schema_version=OUTPUT_SCHEMA, **about, help=text.help))
        return ExitCode.OK
    meaning = heading(text.level.word, text.confidence, hook=selected)
    console.result(f"{text.code} {text.name}: {meaning}\n\n{_wrapped(text.help)}")
    return ExitCode.OK


def _wrapped(markdown: str) -> str:
    """Wrap paragraphs at a width that can be read; leave code as it is."""
    lines: list[str] = []
    is_code = False
    for line in markdown.splitlines():
        is_code ^= line.startswith("```")
        lines += [line] if is_code else textwrap.wrap(line, _WIDTH) or [""]
    return "\n".join(lines)
