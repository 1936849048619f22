import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analyzers.formats.fingerprints import line_hashes
from gaia_cli.errors import ConfigurationError, ExitCode, UsageError
from gaia_cli.linting.options import FORMATS
from tests.gaia_cli.linting.support import BROKEN, CLEAN, PINNED, Project, project_in
from tests.support.cli import GAIA, run_gaia
from tests.support.closed import CAN_CLOSE, WITHOUT_POWERS, closed


def test_the_exit_code_says_what_was_found(project: Project) -> None:
    project.write("func.py", CLEAN)
    assert project.lint() is ExitCode.OK

    project.write("func.py", PINNED)
    assert project.lint() is ExitCode.FINDINGS
    assert project.lint("--exit-zero") is ExitCode.OK
    assert project.lint("--fail-on", "error") is ExitCode.OK
    assert project.lint("--select", "GA201") is ExitCode.OK
    assert project.lint("--select", "GA201", "--fail-on", "note") is ExitCode.FINDINGS


def test_a_file_that_cannot_be_read_is_a_finding_and_the_rest_is_linted(project: Project) -> None:
    project.write("a.py", BROKEN)
    project.write("b.py")

    assert project.codes() == ["GA901", "GA701"]
    assert project.lint() is ExitCode.FINDINGS


def test_directories_files_and_nothing_at_all_can_be_named(project: Project) -> None:
    for name in ("one/a.py", "two/b.py", "two/.venv/c.py", "two/notes.txt"):
        project.write(name)

    assert project.codes() == ["GA701"] * 2
    assert project.codes("two") == ["GA701"]
    assert project.codes("two/notes.txt", "one/a.py", "one") == ["GA701"] * 2
    with pytest.raises(UsageError, match="three does not exist"):
        project.lint("three")


def test_paths_are_shown_from_here_and_reported_from_the_root(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("functions/one/func.py")
    monkeypatch.chdir(project.root / "functions")

    project.lint("one", "--output-format", "concise")
    assert project.output.startswith("one/func.py:5:")
    project.lint("one", "--output-format", "github")
    assert "file=functions/one/func.py," in project.output


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_copes_with_a_name_that_is_no_text(project: Project, name: str) -> None:
    path = os.fsencode(project.root) + b"/\xff.py"
    Path(os.fsdecode(path)).write_text(PINNED)

    assert project.lint("--output-format", name, "--output", f"{name}:written") is ExitCode.FINDINGS
    assert (project.root / "written").read_text()
    project.lint("--write-baseline", "known.json")
    assert project.lint("--baseline", "known.json") is ExitCode.OK


def test_several_reports_are_written_at_once(project: Project) -> None:
    project.write("func.py")
    project.lint("--output", "sarif:a.sarif", "--output", "junit:b.xml", "--output-format", "json")

    assert json.loads(project.output)["findings"][0]["path"] == "func.py"
    result = json.loads((project.root / "a.sarif").read_text())["runs"][0]["results"][0]
    assert result["partialFingerprints"]["primaryLocationLineHash"]
    assert "GA701" in (project.root / "b.xml").read_text()


@pytest.mark.parametrize("value", ["sarif", "sarif:", "pdf:x", ":x", "sarif:nowhere/x"])
def test_an_output_that_cannot_be_written_is_named(project: Project, value: str) -> None:
    project.write("func.py")

    with pytest.raises(UsageError) as raised:
        project.lint("--output", value)
    assert raised.value.hint


def test_a_baseline_hides_what_was_known_and_shows_what_is_new(project: Project) -> None:
    project.write("func.py")
    assert project.lint("--write-baseline", "known.json") is ExitCode.OK
    assert "wrote 1 finding" in project.notes

    project.write("func.py", "# moved down\n\n" + PINNED)
    assert project.lint("--baseline", "known.json") is ExitCode.OK
    project.write("func.py", PINNED + PINNED.replace("handler", "other"))
    assert project.codes("--baseline", "known.json") == ["GA701"]


@pytest.mark.parametrize("content", [None, "no json", "[]", '{"schema_version": 7, "findings": []}'])
def test_an_unusable_baseline_is_named_with_the_way_to_make_one(project: Project, content: str | None) -> None:
    project.write("func.py")
    if content is not None:
        project.write("known.json", content)

    with pytest.raises(ConfigurationError, match=r"known\.json") as raised:
        project.lint("--baseline", "known.json")
    assert "--write-baseline" in raised.value.hint


def test_an_empty_baseline_is_a_baseline(project: Project) -> None:
    project.write("func.py", CLEAN)
    project.lint("--write-baseline", "known.json")

    assert json.loads((project.root / "known.json").read_text())["findings"] == []
    assert project.lint("--baseline", "known.json") is ExitCode.OK


def test_suppressions_silence_and_useless_ones_are_found(project: Project) -> None:
    line = '    return torch.zeros(3).to("cuda").tolist()'
    silenced = PINNED.replace(line, line + "  # gaia: ignore[GA701] only ever on GPUs")
    project.write("func.py", silenced)
    assert project.codes() == []

    project.write("func.py", silenced.replace("GA701", "GA701, GA704") + "\nx = 1  # noqa: E501, GA201\n")
    assert project.codes() == ["GA890", "GA890"]
    assert "silences GA704" in project.output
    assert project.codes("--ignore", "GA890") == []


def test_what_only_looks_like_a_suppression_is_none(project: Project) -> None:
    project.write("func.py", 'TEXT = "# gaia: ignore[GA701]"\n')

    assert project.codes() == []


def test_standard_input_is_linted_under_its_name(tmp_path: Path) -> None:
    shown = run_gaia(
        "lint", "-", "--stdin-filename", "a/b.py", "--output-format", "concise", cwd=tmp_path, stdin=PINNED
    )

    assert shown.returncode == ExitCode.FINDINGS
    assert shown.stdout.startswith("a/b.py:5:")
    assert list(tmp_path.iterdir()) == []


def test_the_text_of_standard_input_is_that_which_is_reported(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text("an = older\nversion = 1\n" * 9)
    silent = PINNED + "x = 1  # gaia: ignore[GA201]\n"
    shown = run_gaia("lint", "-", "--stdin-filename", "func.py", "--output-format", "sarif", cwd=tmp_path, stdin=silent)

    results = json.loads(shown.stdout)["runs"][0]["results"]
    assert [result["ruleId"] for result in results] == ["GA701", "GA890"]
    hashes = [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]
    assert hashes == [line_hashes(silent)[number - 1] for number in (5, 6)]


def test_a_file_elsewhere_is_named_from_where_both_are_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, here = tmp_path / "elsewhere" / "func.py", tmp_path / "here"
    elsewhere.parent.mkdir()
    elsewhere.write_text(PINNED)
    here.mkdir()
    with project_in(here, capsys, monkeypatch) as project:
        project.write("func.py")

        assert project.codes("func.py", str(elsewhere)) == ["GA701"] * 2
        assert os.path.relpath(elsewhere) in project.output
        project.lint(str(elsewhere), "--output", "sarif:x.sarif")
        assert not json.loads((project.root / "x.sarif").read_text())["runs"][0]["results"][0]["locations"][0][
            "physicalLocation"
        ]["artifactLocation"]["uri"].startswith(("/", ".."))


def test_standard_input_goes_with_nothing_else(project: Project) -> None:
    project.write("func.py")

    for arguments in (["-", "func.py"], ["-", "--fix"], ["func.py", "--stdin-filename", "x.py"]):
        with pytest.raises(UsageError):
            project.lint(*arguments)


def test_errors_are_json_where_the_output_is(tmp_path: Path) -> None:
    failed = run_gaia("lint", "nowhere", "--output-format", "json", cwd=tmp_path)

    assert failed.returncode == ExitCode.USAGE
    assert "nowhere" in json.loads(failed.stdout)["error"]["message"]


def test_debug_is_heard_on_the_quick_path_too(tmp_path: Path) -> None:
    assert "Traceback" in run_gaia("--debug", "lint", "nowhere", cwd=tmp_path).stderr


def test_gaia_lint_has_a_name_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "func.py").write_text(PINNED)
    code = "import sys; from gaia_cli.__main__ import lint_main; sys.exit(lint_main())"
    ended = subprocess.run([sys.executable, "-c", code, "func.py"], cwd=tmp_path, capture_output=True, check=False)

    assert ended.returncode == ExitCode.FINDINGS
    assert b"GA701" in ended.stdout


def test_a_fix_is_shown_before_it_is_made_and_made_once(project: Project) -> None:
    pytest.importorskip("libcst", reason="the extra `fix` is not installed")
    path = project.write("func.py")
    path.chmod(0o755)

    assert project.lint("--diff") is ExitCode.FINDINGS
    assert '-    return torch.zeros(3).to("cuda").tolist()' in project.output
    assert "+++ b/func.py" in project.output
    assert path.read_text() == PINNED

    assert project.lint("--fix") is ExitCode.OK
    assert "fixed 1 place" in project.notes
    assert "is_available()" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o755
    assert project.lint("--diff") is ExitCode.OK
    assert project.output == ""


def test_links_out_of_the_repository_are_not_followed(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.py"
    outside.write_text(PINNED)
    (project.root / "out.py").symlink_to(outside)
    (project.root / "deep").mkdir()
    (project.root / "deep" / "in.py").symlink_to(project.write("func.py"))

    assert project.codes("deep") == ["GA701"]
    project.lint("--output-format", "concise")
    assert "out.py" not in project.output


def test_standard_input_is_linted_as_the_file_that_it_names(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def piped(*arguments: str) -> list[str]:
        text = b"import torch\nfrom config import DEVICE\n\nx = torch.zeros(3).to(DEVICE)\n"
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
        return project.codes("-", "--select", "GA2", *arguments)

    project.write("deep/config.py", 'DEVICE = "cuda"\n')
    project.write("gaia.toml", '[lint]\nexclude = ["left"]\nper-file-ignores = {"old/*" = ["GA2"]}\n')

    assert piped("--stdin-filename", "deep/func.py") == ["GA201"]
    assert piped("--stdin-filename", "func.py") == []
    assert piped("--stdin-filename", "left/func.py") == []
    assert piped() == []
    assert not (project.root / "deep" / "func.py").exists()


def test_a_baseline_that_is_written_anew_from_itself_keeps_what_it_knows(project: Project) -> None:
    project.write("func.py")
    project.lint("--write-baseline", "known.json")
    before = (project.root / "known.json").read_text()

    assert project.lint("--baseline", "known.json", "--write-baseline", "known.json") is ExitCode.OK
    assert (project.root / "known.json").read_text() == before


def test_a_run_over_some_files_or_rules_keeps_what_a_baseline_knows_of_others(project: Project) -> None:
    project.write("func.py")
    project.write("other.py", "import torch\ntorch.manual_seed(1)\n\n\ndef handler(payload):\n    return 1\n")
    project.write("gone.py")
    assert project.codes() == ["GA701", "GA701", "GA707"]
    project.lint("--write-baseline", "known.json")
    (project.root / "gone.py").unlink()
    project.write("func.py", CLEAN)

    project.lint("func.py", "--write-baseline", "known.json")
    assert _known(project) == [("other.py", "GA707")]
    project.lint("--select", "GA701", "--write-baseline", "known.json")
    assert _known(project) == [("other.py", "GA707")]
    project.lint("--write-baseline", "known.json", "--ignore", "GA707")
    assert _known(project) == [("other.py", "GA707")]
    project.write("other.py", CLEAN)
    project.lint("--write-baseline", "known.json")
    assert _known(project) == []


def _known(project: Project) -> list[tuple[str, str]]:
    content = json.loads((project.root / "known.json").read_text())
    return [(entry["path"], entry["code"]) for entry in content["findings"]]


def test_a_baseline_holds_no_failures_and_hides_none(project: Project) -> None:
    project.write("bad.py", BROKEN)
    project.lint("--write-baseline", "known.json")

    assert _known(project) == []
    assert project.codes("--baseline", "known.json") == ["GA901"]


def test_a_baseline_says_how_many_findings_it_holds_back(project: Project) -> None:
    project.write("func.py")
    project.write("other.py")
    project.lint("--write-baseline", "known.json")

    assert project.lint("--baseline", "known.json") is ExitCode.OK
    assert "2 findings held back by known.json" in project.notes
    project.write("func.py", CLEAN)
    project.write("other.py", CLEAN)
    project.lint("--baseline", "known.json")
    assert "held back" not in project.notes


def test_a_named_directory_without_code_is_an_error_and_one_whose_code_is_excluded_is_none(project: Project) -> None:
    project.write("texts/readme.txt", "nothing to lint")
    project.write("vendored/func.py")

    with pytest.raises(UsageError, match="no Python file or notebook in texts"):
        project.lint("texts")
    assert project.lint("vendored", "--exclude", "vendored/*") is ExitCode.OK
    (project.root / "vendored" / "func.py").unlink()
    assert project.lint() is ExitCode.OK


@pytest.mark.skipif(not CAN_CLOSE, reason="nothing is closed to root here")
@pytest.mark.parametrize(
    ("shut", "named"),
    [("file", ""), ("file", "closed"), ("file", "closed/func.py"), ("directory", "."), ("directory", "closed")],
)
def test_what_may_not_be_read_makes_the_run_fail_with_its_path(project: Project, shut: str, named: str) -> None:
    path = project.write("closed/func.py", CLEAN)
    project.write("open.py", CLEAN)
    with closed(path if shut == "file" else path.parent):
        command = (*WITHOUT_POWERS, GAIA, "lint", *named.split(), "--no-cache", "--output-format", "concise")
        ended = subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == ExitCode.USAGE
    assert (
        f"closed{'/func.py' if shut == 'file' else ''}:1:1: error: the {shut} may not be read [GA908]" in ended.stdout
    )
    assert "internal" not in ended.stdout + ended.stderr
