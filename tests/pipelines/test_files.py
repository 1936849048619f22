"""What holds for the pipelines in docs/ci by what stands there; tests/cluster/test_pipelines.py runs them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from gaia_cli.app import app
from gaia_cli.version import __version__
from tests.support.pipelines import GITHUB, GITLAB, INSTALL, gitlab_commands, gitlab_jobs, read

GITHUB_JOBS = read(GITHUB)["jobs"]
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
CLUSTER_JOBS = {"rehearse", "deploy", "drift"}


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in GITHUB_JOBS.items():
        for step in job["steps"]:
            yield name, step


def commands() -> dict[str, str]:
    found = {f"github {name}": "" for name in GITHUB_JOBS}
    for name, step in steps():
        found[f"github {name}"] += step.get("run", "") + "\n"
    return found | {f"gitlab {name}": gitlab_commands(job) for name, job in gitlab_jobs().items()}


def test_every_action_is_pinned_to_a_commit_whose_version_is_named() -> None:
    used = [step["uses"] for _, step in steps() if "uses" in step]
    assert used
    assert all(PINNED.fullmatch(action) for action in used)
    lines = [line for line in GITHUB.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)


def test_both_install_this_version_with_what_a_deploy_needs() -> None:
    assert read(GITHUB)["env"]["GAIA"] == read(GITLAB)["variables"]["GAIA"] == f"gaia-faas[deploy]=={__version__}"
    assert all(any(INSTALL.fullmatch(step.get("run", "")) for step in job["steps"]) for job in GITHUB_JOBS.values())
    assert all(INSTALL.fullmatch(line) for line in read(GITLAB)["default"]["before_script"])


def test_no_job_has_a_right_that_it_has_not_named() -> None:
    assert read(GITHUB)["permissions"] == {}
    rights = {name: job["permissions"] for name, job in GITHUB_JOBS.items()}
    assert {name for name, has in rights.items() if "id-token" in has} == CLUSTER_JOBS
    writes = {name: {what for what, how in has.items() if how == "write"} for name, has in rights.items()}
    assert writes == {
        "analyze": {"security-events"},
        "build": {"packages"},
        **{name: {"id-token"} for name in CLUSTER_JOBS},
    }


def test_who_pushes_has_no_access_to_the_cluster() -> None:
    assert "id-token" not in GITHUB_JOBS["build"]["permissions"]
    assert "extends" not in gitlab_jobs()["build"]
    assert {name for name, job in gitlab_jobs().items() if job.get("extends") == ".cluster"} == CLUSTER_JOBS


def test_a_pull_request_of_a_fork_gets_neither_token_nor_secret() -> None:
    assert "pull_request_target" not in read(GITHUB)[True]  # YAML reads the word `on` as a truth
    assert "head.repo.full_name == github.repository" in GITHUB_JOBS["rehearse"]["if"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_PATH == $CI_PROJECT_PATH" in gitlab_jobs()["rehearse"]["rules"][0]["if"]
    for name, job in GITHUB_JOBS.items():
        asked = str(job.get("if", "")) + str(job.get("needs", ""))
        assert name == "analyze" or "github.event_name" in asked or "build" in asked


def test_nothing_that_a_stranger_writes_is_pasted_into_a_command() -> None:
    assert not [step["run"] for _, step in steps() if "${{" in step.get("run", "")]
    written = re.findall(r"\$\{\{\s*(.*?)\s*\}\}", GITHUB.read_text(encoding="utf-8"))
    assert not [one for one in written if re.search(r"github\.(event\.\w+\.(title|body|head\.ref)|head_ref)", one)]


def test_only_a_push_to_main_deploys_and_one_after_the_other() -> None:
    for where, said in commands().items():
        deploys = [line for line in said.splitlines() if "gaia deploy" in line and "--dry-run=server" not in line]
        assert bool(deploys) == where.endswith(" deploy")
    assert GITHUB_JOBS["build"]["if"] == "github.event_name == 'push'"
    assert GITHUB_JOBS["deploy"]["needs"] == "build"
    assert read(GITHUB)[True]["push"]["branches"] == ["main"]
    assert GITHUB_JOBS["deploy"]["concurrency"]
    assert GITHUB_JOBS["deploy"]["environment"] == gitlab_jobs()["deploy"]["environment"] == "production"
    assert gitlab_jobs()["deploy"]["resource_group"]


def test_every_job_ends_some_day() -> None:
    assert all(job["timeout-minutes"] <= 60 for job in GITHUB_JOBS.values())
    assert read(GITLAB)["default"]["timeout"]


def test_credentials_lie_outside_of_the_checkout_for_their_owner_only() -> None:
    for said in commands().values():
        if "KUBECONFIG" in said:
            assert "umask 077" in said
            assert 'KUBECONFIG="$CI_PROJECT_DIR' not in said
        assert not re.search(r"docker login .*(-p |--password )", said)


@pytest.mark.parametrize("where", commands())
def test_every_verb_is_one_of_gaias(where: str) -> None:
    used = set(re.findall(r"^\s*gaia ([a-z]+)", commands()[where], re.MULTILINE))
    assert used
    assert used <= set(get_command(app).commands)  # type: ignore[attr-defined]


def test_what_builds_gets_nothing_that_other_jobs_have_left() -> None:
    jobs = gitlab_jobs()
    assert all(jobs[name]["dependencies"] == [] for name in ("build", "rehearse", "drift"))
