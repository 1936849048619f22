"""A function's name: what is none, and what to call it instead."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_cli.errors import ConfigurationError, UsageError
from gaia_cli.project.names import check_name, checked_name, legal_name, what_is_wrong
from gaia_cli.project.project import load_project
from gaia_cli.project.serving import named_project
from gaia_cli.project.settings import LONGEST_NAME
from tests.support.cli import call_gaia

SOMEWHERE = Path("/somewhere")
ILLEGAL = [
    ("My_Model", "has capital letters and underscores", "my-model"),
    ("3d-faces", "begins with a digit", "fn-3d-faces"),
    ("resnet.v1.5", "has dots", "resnet-v1-5"),
    ("-x", "begins with a hyphen", "x"),
    ("x-", "ends with a hyphen", "x"),
    ("my model", "has blanks", "my-model"),
    ("modèle", "has characters that no name may have", "mod-le"),
    ("模型", "has characters that no name may have", "my-function"),
    ("007", "begins with a digit", "fn-007"),
    ("a/b", "has characters that no name may have", "a-b"),
    ("x\nFROM evil", "has capital letters and blanks", "x-from-evil"),
    ("x" * 64, "has 64 letters, and 63 are the most", "x" * 63),
    ("x" * 62 + "-y", "has 64 letters, and 63 are the most", "x" * 62),
    ("", "is empty", "my-function"),
]


@pytest.mark.parametrize(("name", "wrong", "legal"), ILLEGAL)
def test_a_name_that_is_none_is_answered_with_what_is_wrong_and_one_that_is(name: str, wrong: str, legal: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_name(SOMEWHERE, name)
    assert wrong in caught.value.message
    assert caught.value.hint == f'name it in gaia.toml: [function] name = "{legal}"'


@pytest.mark.parametrize(("name", "wrong", "legal"), ILLEGAL)
def test_the_same_holds_for_the_name_that_gaia_toml_gives(tmp_path: Path, name: str, wrong: str, legal: str) -> None:
    written = name.replace("\n", "\\n")
    (tmp_path / "gaia.toml").write_text(f'[function]\nname = "{written}"\n')

    with pytest.raises(ConfigurationError) as caught:
        load_project(tmp_path)
    assert wrong in caught.value.message
    assert caught.value.hint == f'write name = "{legal}"'


@pytest.mark.parametrize("name", ["a", "hello", "fn-3d", "x9", "a--b", "x" * 63])
def test_a_legal_name_stays_as_it_is(name: str) -> None:
    assert not what_is_wrong(name)
    assert legal_name(name) == name


@given(st.text(), st.sampled_from([LONGEST_NAME, 63]))
def test_a_legal_name_can_be_proposed_for_any_text(text: str, longest: int) -> None:
    assert not what_is_wrong(legal_name(text, longest), longest)


def test_a_name_in_a_cluster_is_shorter_by_what_backends_and_addresses_add() -> None:
    check_name(SOMEWHERE, "x" * 60)
    check_name(SOMEWHERE, "x" * 59, LONGEST_NAME)
    with pytest.raises(ConfigurationError, match="has 60 letters, and 59 are the most in a cluster") as caught:
        check_name(SOMEWHERE, "x" * 60, LONGEST_NAME)
    assert f'"{"x" * 59}"' in caught.value.hint


@pytest.mark.parametrize("folder", ["My_Model", "3d-faces", "resnet.v1.5", "-x"])
def test_a_folder_may_be_called_anything_until_its_name_is_used(tmp_path: Path, folder: str) -> None:
    directory = tmp_path / folder
    directory.mkdir()
    (directory / "func.py").write_text("def handler(payload):\n    return payload\n")

    assert load_project(directory).name == folder
    with pytest.raises(ConfigurationError, match="the function's name"):
        named_project(directory)
    (directory / "gaia.toml").write_text('[function]\nname = "model"\n')
    assert named_project(directory).name == "model"


@pytest.mark.parametrize("verb", ["run", "build"])
def test_running_and_building_refuse_the_name_at_once(tmp_path: Path, verb: str) -> None:
    directory = tmp_path / "My_Model"
    directory.mkdir()
    (directory / "func.py").write_text("def handler(payload):\n    return payload\n")

    failed = call_gaia(verb, "My_Model", cwd=tmp_path)

    assert failed.returncode == 2
    assert "the function's name 'My_Model' has capital letters and underscores" in failed.stderr
    assert '[function] name = "my-model"' in failed.stderr


def test_analyzing_and_linting_need_no_name(tmp_path: Path) -> None:
    directory = tmp_path / "My_Model"
    directory.mkdir()
    (directory / "func.py").write_text("def handler(payload):\n    return payload\n")

    for verb in ("analyze", "lint"):
        assert call_gaia(verb, "My_Model", cwd=tmp_path).returncode == 0
    assert call_gaia("invoke", "My_Model", "--data", "1", cwd=tmp_path).stdout.strip() == "1"


@pytest.mark.parametrize(("name", "wrong", "legal"), ILLEGAL)
def test_a_verb_that_is_given_such_a_name_asks_no_cluster(name: str, wrong: str, legal: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked_name(name)
    assert caught.value.hint == f"did you mean {legal}?"
    assert wrong in caught.value.message
    assert checked_name(legal) == legal
