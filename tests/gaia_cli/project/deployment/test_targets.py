"""What [targets.NAME] takes, what it refuses, and where it says so."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaia_cli.errors import ConfigurationError
from gaia_cli.project.deployment.keys import FOREIGN, KEYS
from gaia_cli.project.project import FunctionProject, load_project
from gaia_cli.project.targets import ModelCache, SecretReference, TargetSettings
from runtime_images.cluster.function import Power, Window
from runtime_images.policy.model import Accelerator, Prices, Slo

WHOLE = """
[targets.edge]
kind = "knative"
context = "edge-admin@factory"
namespace = "vision"
registry = "registry.example:5000/team"
pull_secret = "registry.read"
accelerator = "emulated"
gpus = 2
gpu_resource = "nvidia.com/mig-1g.5gb"
cpus = 2
cpus_request = 0.5
memory = "2Gi"
memory_request = "512Mi"
sidecar_cpus = 0.2
sidecar_memory = "128Mi"
node_selector = { "nvidia.com/gpu.product" = "NVIDIA-L4", gpu = true, slots = 4 }
tolerations = [{ key = "nvidia.com/gpu", operator = "Exists", effect = "NoSchedule" }]
runtime_class = "nvidia"
min_scale = 1
max_scale = 4
initial_scale = 2
concurrency = 8
request_timeout_s = 600
progress_deadline_s = 1800
visibility = "cluster-local"
release = "first"
env = { MODEL = "large" }
secrets = { HF_TOKEN = "hugging-face/token" }
model_cache = { claim = "models", path = "/models" }
gpu_windows = ["18:00-06:00", "12:00-24:00"]
network_ms = 40
[targets.edge.affinity.nodeAffinity]
preferredDuringSchedulingIgnoredDuringExecution = [
  { weight = 5, preference = { matchExpressions = [{ key = "zone", operator = "In", values = ["a"] }] } },
]
[targets.edge.slo]
latency_p95_ms = 200
[targets.edge.cost]
gpu_per_hour = 2
[targets.edge.power]
cpu_w = 10
gpu_w = 60
budget_w = 50
per_kwh = 0.36
"""


@pytest.fixture
def function(tmp_path: Path) -> Path:
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")
    return tmp_path


def configure(function: Path, toml: str) -> FunctionProject:
    (function / "gaia.toml").write_bytes(toml.encode())
    return load_project(function)


def target(function: Path, toml: str) -> TargetSettings:
    return configure(function, f"[targets.prod]\n{toml}\n").targets["prod"]


def refusal(function: Path, toml: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        configure(function, toml)
    return caught.value


def test_every_key_reaches_its_field(function: Path) -> None:
    requirement = {"key": "zone", "operator": "In", "values": ["a"]}
    preferred = {"weight": 5, "preference": {"matchExpressions": [requirement]}}

    assert configure(function, WHOLE).targets["edge"] == TargetSettings(
        name="edge",
        kind="knative",
        context="edge-admin@factory",
        namespace="vision",
        registry="registry.example:5000/team",
        pull_secret="registry.read",
        accelerator=Accelerator.EMULATED,
        gpus=2,
        gpu_resource="nvidia.com/mig-1g.5gb",
        cpus=2,
        cpus_request=0.5,
        memory="2g",
        memory_request="512m",
        sidecar_cpus=0.2,
        sidecar_memory="128m",
        node_selector={"nvidia.com/gpu.product": "NVIDIA-L4", "gpu": "true", "slots": "4"},
        affinity={"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preferred]}},
        tolerations=({"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},),
        runtime_class="nvidia",
        min_scale=1,
        max_scale=4,
        initial_scale=2,
        concurrency=8,
        request_timeout_s=600,
        progress_deadline_s=1800,
        visibility="cluster-local",
        release_first=True,
        env={"MODEL": "large"},
        secrets={"HF_TOKEN": SecretReference("hugging-face", "token")},
        model_cache=ModelCache("models", "/models"),
        slo=Slo(200),
        prices=Prices(gpu_per_hour=2),
        power=Power(10, 60, 50, 1e-7),
        gpu_windows=(Window(18 * 60, 6 * 60), Window(12 * 60, 24 * 60)),
        network_ms=40,
    )


def test_every_key_fills_a_field_that_exists_and_every_field_has_a_key() -> None:
    keys = {"release_first" if key == "release" else key for key in KEYS}

    assert keys | {"name", "slo", "prices"} == {field.name for field in fields(TargetSettings)}


def test_an_empty_table_is_a_target_of_defaults(function: Path) -> None:
    assert target(function, "") == TargetSettings("prod")


def test_what_the_function_says_holds_on_each_target_key_by_key(function: Path) -> None:
    project = configure(
        function,
        """
        [targets.far]
        gpus = 1
        [targets.far.slo]
        latency_p95_ms = 900
        [targets.far.cost]
        gpu_per_hour = 0.4788
        [targets.near]
        [slo]
        latency_p95_ms = 100
        window_s = 5
        [cost]
        gpu_per_hour = 3
        currency = "EUR"
        [run]
        gpus = 2
        memory = "1Gi"
        cpus = 4
        """,
    )

    assert project.targets["far"] == TargetSettings(
        "far", gpus=1, cpus=4, memory="1g", slo=Slo(900, window_s=5), prices=Prices(currency="EUR")
    )
    assert project.targets["near"] == TargetSettings(
        "near", gpus=2, cpus=4, memory="1g", slo=Slo(100, window_s=5), prices=Prices(gpu_per_hour=3, currency="EUR")
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('visibility = "cluster_local"', 'must be one of "public", "cluster-local"'),
        ('visibility = "private"', 'must be one of "public", "cluster-local"'),
        ('visibility = "Public"', 'must be one of "public", "cluster-local"'),
        ("gpus = 0.5", "must be a whole number from 1 to 64, not 0.5"),
        ('gpus = "500m"', "must be a whole number from 1 to 64, not the string '500m'"),
        ("gpus = 0", "must be a whole number"),
        ("gpus = true", "must be a whole number"),
        ('gpu_resource = "gpu"', "must be a resource with its domain"),
        ('gpu_resource = "kubernetes.io/gpu"', "must be a resource with its domain"),
        ('gpu_resource = "requests.nvidia.com/gpu"', "must be a resource with its domain"),
        ("cpus = 0", "must be a number"),
        ('cpus = "500m"', "must be a number"),
        ('memory = "512"', "must be a size"),
        ('memory = "512m "', "must be a size"),
        ("concurrency = -1", "must be a whole number from 0 to 1000"),
        ("concurrency = 1001", "must be a whole number from 0 to 1000"),
        ("min_scale = -1", "must be a whole number"),
        ("min_scale = 1.0", "must be a whole number"),
        ("request_timeout_s = 601", "must be a whole number from 1 to 600, not 601"),
        ("request_timeout_s = 0", "must be a whole number from 1 to 600"),
        ("progress_deadline_s = 0", "must be a whole number"),
        ('context = ""', "must be the name of a context"),
        ('namespace = ""', "must be the name of a namespace"),
        ('namespace = "My_Space"', "must be the name of a namespace"),
        (f'namespace = "{"x" * 64}"', "must be the name of a namespace"),
        ('registry = ""', "must be a registry"),
        ('registry = "https://registry.example"', "must be a registry"),
        ('registry = "registry.example/Team"', "must be a registry"),
        ('registry = "registry.example/"', "must be a registry"),
        ('pull_secret = "Secret"', "must be a name of lower-case letters"),
        ('runtime_class = "nvidia_"', "must be a name of lower-case letters"),
        ('kind = "kserve"', 'must be one of "knative"'),
        ('accelerator = "amd"', 'must be one of "nvidia"'),
        ('release = "last"', 'must be one of "first", "after"'),
        ("network_ms = -1", "must be a number 0 or more"),
        ("tolerations = {}", "must be a list of tables"),
        ("affinity = []", "must be a table with nodeAffinity"),
        ('env = "A=1"', "must be a table of variables"),
        ('gpu_windows = "18:00-06:00"', "must be a list of daily times"),
        ("gpu_windows = []", "must be a list of daily times"),
    ],
)
def test_an_unusable_value_is_refused_with_its_key_and_line(function: Path, line: str, message: str) -> None:
    error = refusal(function, f"\n[targets.prod]\n# a comment\n{line}\n")

    key = line.partition(" ")[0]
    assert error.message.startswith(f"{function / 'gaia.toml'}:4: targets.prod.{key} {message}")
    assert error.hint


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        ("env.DAY = 2026-11-28", "env.DAY", "must be a string, a number, true or false, not a date"),
        ("env.AT = 07:30:00", "env.AT", "not a time"),
        ("env.LIST = [1]", "env.LIST", "not a list"),
        ("env.TABLE = { a = 1 }", "env.TABLE", "not a table"),
        ('env.ZERO = "\\u0000"', "env.ZERO", "must be a text without a zero byte"),
        ("env.PORT = 80", "env.PORT", "is set by the platform"),
        ('env.K_SERVICE = "x"', "env.K_SERVICE", "is set by the platform"),
        ('env.GAIA_MODE = "gpu"', "env.GAIA_MODE", "is set by Gaia"),
        ('env.CUDA_VISIBLE_DEVICES = "0"', "env.CUDA_VISIBLE_DEVICES", "is set by Gaia"),
        ('env.PYTHONPATH = "lib"', "env.PYTHONPATH", "is kept from the function"),
        ("env.my-name = 1", "env.my-name", "must be a variable's name"),
        ('env."1ST" = 1', "env.1ST", "must be a variable's name"),
        ('env."" = 1', 'env.""', "must be a variable's name"),
        ('env."A=B" = 1', 'env."A=B"', "must be a variable's name"),
        ('secrets.TOKEN = "a/b/c"', "secrets.TOKEN", 'must be a secret and its key, "secret/key"'),
        ('secrets.TOKEN = "a/"', "secrets.TOKEN", "must be a secret and its key"),
        ('secrets.TOKEN = "Upper/key"', "secrets.TOKEN", "must be a secret and its key"),
        ('secrets.PORT = "a/b"', "secrets.PORT", "is set by the platform"),
        ('node_selector."a b" = "x"', 'node_selector."a b"', "must be a label's key"),
        ('node_selector."a/b/c" = "x"', 'node_selector."a/b/c"', "must be a label's key"),
        ('node_selector.zone = "a b"', "node_selector.zone", "must be a label's value"),
        (f'node_selector.zone = "{"x" * 64}"', "node_selector.zone", "must be a label's value"),
        ('model_cache = { claim = "models" }', "model_cache.path", "is missing"),
        ('model_cache = { claim = "models", path = "models" }', "model_cache.path", "must be an absolute path"),
        ('model_cache = { claim = "models", path = "/a/../b" }', "model_cache.path", "must be an absolute path"),
        ('model_cache = { claim = "models", path = "/" }', "model_cache.path", "must be an absolute path"),
        ('model_cache = { claim = "models", path = "/function" }', "model_cache.path", "must be an absolute path"),
        ('model_cache = { claim = "models", path = "/a:b" }', "model_cache.path", "must be an absolute path"),
        ('gpu_windows = ["18:00-06:00", "6-8"]', "gpu_windows[1]", "must be a daily time in UTC"),
        ('gpu_windows = ["25:00-06:00"]', "gpu_windows[0]", "must be a daily time in UTC"),
        ('gpu_windows = ["06:00-06:00"]', "gpu_windows[0]", "must be a daily time in UTC"),
        ('gpu_windows = ["00:00-24:00"]', "gpu_windows[0]", "must be a daily time in UTC"),
        ("power.budget_w = 0", "power.budget_w", "must be a number greater than 0"),
        ("power.watts = 1", "power.watts", "is not known here"),
        ("slo.latency_p95_ms = 0", "slo.latency_p95_ms", "must be a number greater than 0"),
        ("slo.p95 = 1", "slo.p95", "is not known here"),
        ('cost.currency = "euro"', "cost.currency", "must be a currency code"),
        ("tolerations = [{ effect = 1 }]", "tolerations[0].effect", "must be one of"),
        ('tolerations = [{ key = "a", effect = "NoSchedul" }]', "tolerations[0].effect", "must be one of"),
        ('tolerations = [{ key = "a", effects = "NoSchedule" }]', "tolerations[0].effects", "is not known here"),
        ('tolerations = [{ key = "a", operator = "equals" }]', "tolerations[0].operator", "must be one of"),
        ('tolerations = [{ effect = "NoSchedule" }]', "tolerations[0].key", "is missing"),
        (
            'tolerations = [{ key = "a", operator = "Exists", value = "b" }]',
            "tolerations[0].value",
            'must be left out where operator is "Exists"',
        ),
        (
            'tolerations = [{ key = "a", effect = "NoSchedule", tolerationSeconds = 5 }]',
            "tolerations[0].tolerationSeconds",
            "is of use only with the effect NoExecute",
        ),
        ("affinity.nodeAffinty = {}", "affinity.nodeAffinty", "is not known here"),
        ("affinity.nodeAffinity = {}", "affinity.nodeAffinity", "must not be empty"),
        (
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution = []",
            "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
            "must be a table with nodeSelectorTerms",
        ),
        (
            "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution = [{ labelSelector = {} }]",
            "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey",
            "is missing",
        ),
    ],
)
def test_a_part_of_a_value_is_refused_with_the_way_to_it(function: Path, line: str, place: str, message: str) -> None:
    error = refusal(function, f"\n[targets.prod]\n{line}\n")

    assert error.message.startswith(f"{function / 'gaia.toml'}:3: targets.prod.{place} ")
    assert message in error.message


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ("min_scale = 3\nmax_scale = 2", "4: targets.prod.min_scale must be at most max_scale, 2, not 3"),
        ("max_scale = 2\n\ninitial_scale = 3", "6: targets.prod.initial_scale must be at most max_scale, 2, not 3"),
        ("cpus = 1\ncpus_request = 1.5", "5: targets.prod.cpus_request must be at most cpus, 1"),
        ('memory = "1Gi"\nmemory_request = "1025Mi"', "5: targets.prod.memory_request must be at most memory, 1gi"),
        ('env.A = "1"\nsecrets.A = "s/k"', "5: targets.prod.secrets.A is in env as well"),
        ('accelerator = "none"\ngpu_windows = ["18:00-06:00"]', "5: targets.prod.gpu_windows is of no use"),
    ],
)
def test_two_values_that_contradict_each_other_are_refused(function: Path, lines: str, place: str) -> None:
    error = refusal(function, f"\n\n[targets.prod]\n{lines}\n")

    assert error.message.startswith(f"{function / 'gaia.toml'}:{place}")


def test_a_request_is_held_against_the_function_s_own_limit_too(function: Path) -> None:
    error = refusal(function, "[targets.prod]\ncpus_request = 3\n[run]\ncpus = 2\n")

    assert "gaia.toml:2: targets.prod.cpus_request must be at most cpus, 2" in error.message


def test_no_limit_of_pods_is_above_every_least(function: Path) -> None:
    assert target(function, "min_scale = 3\nmax_scale = 0").min_scale == 3


def test_half_a_gpu_is_answered_with_the_ways_to_share_one(function: Path) -> None:
    assert "nvidia.com/gpu.shared" in refusal(function, "[targets.prod]\ngpus = 0.5").hint
    assert "nvidia.com/mig-1g.5gb" in refusal(function, '[targets.prod]\ngpu_resource = "gpu"').hint


def test_an_unknown_key_is_answered_with_the_nearest_one(function: Path) -> None:
    error = refusal(function, "[targets.prod]\nvisiblity = 1\n")

    assert error.message == f"{function / 'gaia.toml'}:2: targets.prod.visiblity is not known here"
    assert error.hint == "did you mean 'visibility'?"


@pytest.mark.parametrize("key", FOREIGN)
def test_a_key_of_other_tools_is_answered_with_ours(function: Path, key: str) -> None:
    assert refusal(function, f"[targets.prod]\n{key} = 1\n").hint == FOREIGN[key]


def test_a_secret_that_stands_where_its_name_should_is_not_shown(function: Path) -> None:
    for line in ('secrets.T = "hf_abcdef"', 'secrets.T = ["hf_abcdef"]', 'env.T = ["hf_abcdef"]'):
        error = refusal(function, f"[targets.prod]\n{line}\n")
        assert "abcdef" not in error.message + error.hint


def test_pyproject_is_named_with_its_line_too(function: Path) -> None:
    (function / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.gaia.targets.prod]\ngpus = 0.5\n')

    with pytest.raises(ConfigurationError) as caught:
        load_project(function)
    assert caught.value.message.startswith(f"{function / 'pyproject.toml'}:4: [tool.gaia] targets.prod.gpus must be")


VALUES = st.recursive(
    st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.booleans(),
        st.floats(),
        st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20),
        st.dates(),
        st.times(),
        st.sampled_from(["public", "nvidia.com/gpu", "1Gi", "18:00-06:00", "a/b", "Exists", "NoExecute"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["key", "operator", "effect", "value", "claim", "path", "A", "PORT"]), inner),
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.one_of(st.sampled_from([*KEYS, "slo", "cost"]), st.text('abc_-. "é', max_size=5)), VALUES))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_table_is_a_target_or_one_error_with_its_key_and_line(function: Path, table: dict[str, Any]) -> None:
    text = tomli_w.dumps({"targets": {"prod": table}})
    (function / "gaia.toml").write_bytes(text.encode())

    answer = answer_to(function)
    if isinstance(answer, ConfigurationError):
        _, line, message = answer.message.removeprefix(str(function)).split(":", 2)
        assert message.startswith(" targets.prod.")
        assert 1 <= int(line) <= text.count("\n")
        assert answer.hint


def answer_to(function: Path) -> TargetSettings | ConfigurationError:
    try:
        return load_project(function).targets["prod"]
    except ConfigurationError as error:
        return error
