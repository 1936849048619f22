"""Where the findings go: one format to standard output, any number to files, as `--output sarif:gaia.sarif`."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping

from analyzers.formats.findings import LintFinding, Report, RuleText
from analyzers.lean.files import read_inside, source_bytes
from analyzers.lean.records import replace
from gaia_cli.errors import UsageError
from gaia_cli.linting.options import FORMATS

FOR_PEOPLE = ("full", "concise")


def targets(values: Iterable[str]) -> list[tuple[str, str]]:
    """Return the format and the path of each file that `--output` asks for.

    Raises:
        UsageError: a value is not FORMAT:FILE, or its format is unknown.
    """
    found = []
    for value in values:
        name, _, path = value.partition(":")
        if name not in FORMATS or not path:
            raise UsageError(f"--output takes FORMAT:FILE, not {value!r}", f"the formats are {', '.join(FORMATS)}")
        found.append((name, path))
    return found


def written(name: str, report: Report, root: str) -> str:
    """Return the report in the format `name`; formats for people show paths from the working directory."""
    if name in FOR_PEOPLE:
        report = replace(report, findings=tuple(_from_here(finding, root) for finding in report.findings))
    return _renderer(name)(report)


def _from_here(finding: LintFinding, root: str) -> LintFinding:
    shown = os.path.relpath(f"{root}/{finding.path}")
    return finding if shown == finding.path else replace(finding, path=shown)


def write_files(wanted: Iterable[tuple[str, str]], report: Report, root: str) -> None:
    """Write the report to each file.

    Raises:
        UsageError: a file cannot be written.
    """
    for name, path in wanted:
        from analyzers.lean.writing import write_named  # most runs write none

        try:
            write_named(root, path, written(name, report, root).encode())
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}", "choose a writable file") from None


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


class RulesWhenAsked(dict[str, RuleText]):
    """The rules' texts by code, empty until the first is looked up."""

    def __missing__(self, code: str) -> RuleText:
        from gaia_cli.linting.rule_texts import rule_texts

        texts = rule_texts()
        self.update(texts)
        return texts[code]


class SourcesWhenAsked(Mapping[str, str]):
    """The text of the files by their paths, read when looked up; a file that cannot be read is missing."""

    def __init__(self, root: str, files: tuple[str, ...]) -> None:
        self._root = root
        self._files = files

    def __getitem__(self, path: str) -> str:
        if path not in self._files:
            raise KeyError(path)
        try:
            return read_inside(self._root, path, source_bytes(path)).decode(errors="replace")
        except OSError:
            raise KeyError(path) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
