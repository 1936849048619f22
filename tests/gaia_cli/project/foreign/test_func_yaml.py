from pathlib import Path

import pytest

from gaia_cli.errors import ConfigurationError
from gaia_cli.project.project import load_project
from gaia_cli.project.serving import with_variables


def variables(directory: Path, func_yaml: str, *given: str, **environ: str) -> tuple[dict[str, str], list[str]]:
    """The variables of a function with this func.yaml, and what was said about them."""
    (directory / "func.py").write_text("def handler(payload): ...\n")
    (directory / "func.yaml").write_text(func_yaml)
    said: list[str] = []
    project = with_variables(load_project(directory), environ, given, said.append)
    return dict(project.env), said


def envs(*entries: str) -> str:
    return "specVersion: 0.36.0\nname: greet\nrun:\n  envs:\n" + "".join(f"  - {entry}\n" for entry in entries)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (envs("{name: A, value: hi}"), {"A": "hi"}),
        (envs("name: A\n    value: 1.10"), {"A": "1.10"}),
        (envs("name: A\n    value: yes", "name: B\n    value: 0x10"), {"A": "yes", "B": "0x10"}),
        (envs("{name: A, value: ''}"), {"A": ""}),
        (envs("{name: A}", "{name: B, value: null}"), {}),
        (envs("{name: A, value: '{{ other }}'}"), {"A": "{{ other }}"}),
        (envs("name: A\n    value: |-\n      one\n      two"), {"A": "one\ntwo"}),
        ("name: old\nenvs:\n- name: A\n  value: hi\n", {"A": "hi"}),
        ("name: none\nrun: {}\n", {}),
        ("name: none\nrun:\n  envs: []\n", {}),
        ("name: none\nbuild:\n  buildEnvs:\n  - {name: A, value: b}\n", {}),
    ],
)
def test_variables_are_the_texts_that_stand_in_func_yaml(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    assert variables(tmp_path, text) == (expected, [])


def test_a_template_is_the_value_of_a_variable_here_and_is_named_on_the_screen(tmp_path: Path) -> None:
    found, said = variables(tmp_path, envs("{name: KEY, value: '{{ env:MY_KEY }}'}"), MY_KEY="x")

    assert found == {"KEY": "x"}
    assert said == ["func.yaml gives the function MY_KEY of your environment, as KEY"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{name: KEY, value: '{{ env:MY_KEY }}'}", r"func\.yaml:5: KEY is to be MY_KEY, which is not set here"),
        ("{name: KEY, value: '{{ secret:mine:key }}'}", r"func\.yaml:5: KEY is a secret of a cluster"),
        ("{name: KEY, value: '{{ configMap:mine:key }}'}", r"func\.yaml:5: KEY is a ConfigMap of a cluster"),
        ("{value: '{{ secret:mine }}'}", r"func\.yaml:5: \{\{ secret:mine \}\} is a secret of a cluster"),
    ],
)
def test_what_is_not_here_is_an_error_with_its_line_unless_it_is_given(
    tmp_path: Path, entry: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        variables(tmp_path, envs(entry))

    assert variables(tmp_path, envs(entry), "KEY", "") == ({}, [])


def test_gaia_toml_goes_before_func_yaml(tmp_path: Path) -> None:
    (tmp_path / "gaia.toml").write_text('[run.env]\nA = "toml"\n')

    assert variables(tmp_path, envs("{name: A, value: yaml}", "{name: B, value: yaml}"))[0] == {
        "A": "toml", "B": "yaml",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["PORT", "LISTEN_ADDRESS", "K_SERVICE", "GAIA_MODE", "PYTHONPATH", "a-b"])
def test_a_name_that_is_not_the_users_is_left_out_with_a_line_that_says_so(tmp_path: Path, name: str) -> None:
    found, said = variables(tmp_path, envs(f"{{name: {name}, value: x}}"))

    assert found == {}
    assert len(said) == 1
    assert f"func.yaml:5: the variable is left out: {name}" in said[0]


def test_what_is_no_yaml_is_an_error_only_where_the_function_is_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"func\.yaml:\d: not readable as YAML"):
        variables(tmp_path, "name: greet\nrun: {envs: [\n")
