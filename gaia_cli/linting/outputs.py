"""Where the findings go: one format on standard output, and as many as wanted in files, `--output sarif:gaia.sarif`."""

import os
from collections.abc import Callable, Iterator, Mapping

from analyzers.formats.findings import LintFinding, Report, RuleText
from analyzers.lean.records import record, replace
from gaia_cli.errors import UsageError
from gaia_cli.linting.options import FORMATS

_FOR_PEOPLE = frozenset({"full", "concise"})


@record
class Target:
    """A report to write to a file."""

    format: str
    path: str


def targets(values: tuple[str, ...]) -> tuple[Target, ...]:
    """The files that `--output` asks for.

    Raises:
        UsageError: a value is not FORMAT:FILE, or its format is unknown.
    """
    return tuple(_target(value) for value in values)


def _target(value: str) -> Target:
    name, _, path = value.partition(":")
    if name not in FORMATS or not path:
        raise UsageError(f"--output takes FORMAT:FILE, not {value!r}", f"the formats are {', '.join(FORMATS)}")
    return Target(name, path)


def written(name: str, report: Report, root: str) -> str:
    """The report in the format `name`; people's formats show paths from the working directory."""
    if name in _FOR_PEOPLE:
        report = replace(report, findings=tuple(_from_here(finding, root) for finding in report.findings))
    return _renderer(name)(report).encode(errors="replace").decode()  # a file's name may be no text


def _from_here(finding: LintFinding, root: str) -> LintFinding:
    shown = os.path.relpath(f"{root}/{finding.path}")
    return finding if shown == finding.path else replace(finding, path=shown)


def write_files(wanted: tuple[Target, ...], report: Report, root: str) -> None:
    """Write each file.

    Raises:
        UsageError: a file cannot be written.
    """
    for target in wanted:
        try:
            with open(target.path, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 -- as in discovery.py
                file.write(written(target.format, report, root))
        except OSError as error:
            hint = "choose a writable file"
            raise UsageError(f"cannot write {target.path}: {error.strerror}", hint) from None


def _renderer(name: str) -> Callable[[Report], str]:
    match name:
        case "full":
            from analyzers.formats.full import render
        case "concise":
            from analyzers.formats.concise import render
        case "json":
            from analyzers.formats.as_lint_json import render
        case "json-lines":
            from analyzers.formats.json_lines import render
        case "sarif":
            from analyzers.formats.sarif import render
        case "github":
            from analyzers.formats.github import render
        case "gitlab":
            from analyzers.formats.gitlab import render
        case "junit":
            from analyzers.formats.junit import render
        case _:
            raise ValueError(name)
    return render


class RulesWhenAsked(Mapping[str, RuleText]):
    """The rules' texts, loaded when the first is asked for."""

    def __init__(self) -> None:
        self._texts: dict[str, RuleText] = {}

    def _loaded(self) -> dict[str, RuleText]:
        if not self._texts:
            from gaia_cli.linting.rule_texts import rule_texts

            self._texts = rule_texts()
        return self._texts

    def __getitem__(self, code: str) -> RuleText:
        return self._loaded()[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded())

    def __len__(self) -> int:
        return len(self._loaded())


class SourcesWhenAsked(Mapping[str, str]):
    """The text of the files by their paths, read when asked for; what cannot be read is not there."""

    def __init__(self, root: str, files: tuple[str, ...]) -> None:
        self._root = root
        self._files = files

    def __getitem__(self, path: str) -> str:
        if path not in self._files:
            raise KeyError(path)
        try:
            with open(f"{self._root}/{path}", "rb") as file:  # noqa: PTH123 -- as in discovery.py
                return file.read().decode(errors="replace")
        except OSError:
            raise KeyError(path) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
