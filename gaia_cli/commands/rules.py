"""`gaia rules`: every rule in a table, or as JSON."""

from gaia_cli.errors import ExitCode
from gaia_cli.linting.rule_texts import as_object, rule_texts
from gaia_cli.linting.selection import Selection
from gaia_cli.views import console
from gaia_cli.views.outputs import OUTPUT_SCHEMA, RulesOutput


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
