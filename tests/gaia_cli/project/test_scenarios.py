"""What went wrong for others who deploy functions, and cousins of it: the answers that gaia.toml gets at once.

Where a cousin was met stands beside it.
"""

import pathlib

import pytest

from gaia_cli.errors import ConfigurationError
from gaia_cli.project.environment import merged
from gaia_cli.project.names import check_name
from gaia_cli.project.project import load_project
from gaia_cli.project.settings import LONGEST_NAME, target_of

BCRYPT = "$2b$10$OMZ69gxxsmRgwAt945WHSujpr"


def refusal(directory: pathlib.Path, toml: str) -> ConfigurationError:
    (directory / "gaia.toml").write_text(toml)
    with pytest.raises(ConfigurationError) as caught:
        load_project(directory)
    return caught.value


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("42", "fn-42"),  # knative/func#1259, kyma-project/kyma#6059
        ("hello_python", "hello-python"),  # projectriff/riff#431
        ("openvino.omz.public.faster_rcnn", "openvino-omz-public-faster-rcnn"),  # cvat-ai/cvat#2393
        ("app::hello", "app-hello"),  # fission/fission#269
        ("test-", "test"),  # knative/func#317
        ("__pycache__", "pycache"),
        ("New Folder (2)", "new-folder-2"),
    ],
)
def test_a_name_that_a_folder_allows(name: str, legal: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_name(pathlib.Path(name), name, LONGEST_NAME)
    assert repr(name) in caught.value.message
    assert f'"{legal}"' in caught.value.hint


@pytest.mark.parametrize("name", ["py3-hello", "hello333", "test--func", "x" * 59])  # dispatch#45, knative/func#3313
def test_a_name_that_a_cluster_takes_is_not_refused(name: str) -> None:
    check_name(pathlib.Path(name), name, LONGEST_NAME)


@pytest.mark.parametrize("length", [60, 63, 64, 253])
def test_a_name_whose_backends_and_addresses_would_not_fit(length: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_name(pathlib.Path("x"), "x" * length, LONGEST_NAME)
    assert f"has {length} letters, and 59 are the most" in caught.value.message


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"y"', "y"),  # Shopify/krane#818
        ('"yes"', "yes"),  # helm/helm#2782
        ("3.10", "3.10"),
        ("20221128", "20221128"),
        ("1e10", "1e10"),
        ('"0755"', "0755"),
        ("-1", "-1"),
        ('"2026-11-28"', "2026-11-28"),
        ("'pa$$word'", "pa$$word"),  # portainer/portainer#12635
        (f"'{BCRYPT}'", BCRYPT),  # dotenvx/dotenv-expand#20
        ('"a=b;c=d"', "a=b;c=d"),
    ],
)
def test_a_value_is_the_text_that_everyone_expects(tmp_path: pathlib.Path, written: str, text: str) -> None:
    (tmp_path / "gaia.toml").write_text(f"[run.env]\nA = {written}\n[targets.prod.env]\nA = {written}\n")
    project = load_project(tmp_path)

    assert project.env == project.targets["prod"].env == {"A": text}


@pytest.mark.parametrize("written", ["2026-11-28T07:30:00Z", "2026-11-28 07:30:00", "07:30:00", "[1, 2]", "{ a = 1 }"])
def test_a_value_that_is_no_text_is_named_with_its_line(tmp_path: pathlib.Path, written: str) -> None:
    error = refusal(tmp_path, f"[targets.prod.env]\nA = 1\n\nDAY = {written}\n")

    assert "gaia.toml:4: targets.prod.env.DAY must be a string" in error.message


@pytest.mark.parametrize(
    ("target", "all_of_it"),
    [
        ('env = { MODEL = "large", C = "c" }', {"A": "a", "C": "c", "MODEL": "large"}),
        ('env = { MODEL = "" }', {"A": "a", "MODEL": ""}),
        ('env = { model = "other" }', {"A": "a", "MODEL": "small", "model": "other"}),
        ('secrets = { MODEL = "models/name" }', {"A": "a"}),
        ("", {"A": "a", "MODEL": "small"}),
    ],
)
def test_a_variable_of_the_function_and_of_the_target(
    tmp_path: pathlib.Path, target: str, all_of_it: dict[str, str]
) -> None:
    (tmp_path / "gaia.toml").write_text(f'[run.env]\nMODEL = "small"\nA = "a"\n[targets.prod]\n{target}\n')
    project = load_project(tmp_path)
    prod = target_of(project, "prod")

    assert merged(project.env, prod.env, prod.secrets) == all_of_it


@pytest.mark.parametrize(
    "line",
    [
        'visibility = "ClusterLocal"',
        'visibility = "cluster-local "',
        'visibility = "internal"',
        'visibility = ""',
        "visibility = false",
        'visability = "cluster-local"',
        'labels = { "networking.knative.dev/visibility" = "cluster-local" }',
        'labels = { "serving.knative.dev/visibility" = "cluster-local" }',
    ],
)
def test_a_visibility_that_would_be_public(tmp_path: pathlib.Path, line: str) -> None:
    error = refusal(tmp_path, f"[targets.prod]\n{line}\n")

    assert f"gaia.toml:2: targets.prod.{line.partition(' ')[0]} " in error.message
    assert "cluster-local" in error.message + error.hint or "visib" in error.hint or "Gaia's" in error.hint


@pytest.mark.parametrize(
    "line",
    [
        "gpus = 1.5",
        "gpus = 1.0",
        'gpus = "1"',
        "gpus = -1",
        "gpu = 0.5",
        'gpu_resource = "nvidia.com/"',
        'gpu_resource = "/gpu"',
        'gpu_resource = "nvidia.com/gpu: 1"',
        '"nvidia.com/gpu" = 0.4',  # volcano-sh/volcano#822
        "resources = { requests = { gpu = 1 } }",
        'resources.limits."huawei.com/ascend-1980" = 8',  # volcano-sh/kthena#576
        "requests = { cpu = 2 }",
    ],
)
def test_a_share_of_a_gpu_or_another_form_of_asking_for_one(tmp_path: pathlib.Path, line: str) -> None:
    error = refusal(tmp_path, f"[targets.prod]\n{line}\n")

    assert "gaia.toml:2: targets.prod." in error.message
    assert error.hint
