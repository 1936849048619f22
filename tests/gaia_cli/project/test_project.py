from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.lean.printable import printable
from gaia_cli.errors import ConfigurationError, UsageError
from gaia_cli.linting.configuration import LintTable
from gaia_cli.project.project import FunctionProject, load_project
from gaia_cli.project.requirements import Requirements
from gaia_cli.project.tables import FIELDS, PARTS, TABLES
from gaia_cli.project.targets import TargetSettings
from runtime_images.policy.model import ExecutionMode, Prices, Slo, WarmUp


@pytest.fixture
def function(tmp_path: Path) -> Path:
    directory = tmp_path / "my-function"
    directory.mkdir()
    (directory / "func.py").write_text("def handler(payload):\n    return payload\n")
    return directory


def configure(function: Path, toml: str) -> FunctionProject:
    (function / "gaia.toml").write_text(toml)
    return load_project(function)


def refusal(function: Path, toml: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        configure(function, toml)
    return caught.value


def test_a_directory_without_configuration_has_its_name_and_the_defaults(function: Path) -> None:
    assert load_project(function) == FunctionProject(function, "my-function")


def test_every_key_reaches_its_field(function: Path) -> None:
    (function / "r.txt").write_text("numpy\n")

    project = configure(
        function,
        """
        [function]
        name = "matmul"
        entrypoint = "func.py:handler"
        python = "3.12"
        requirements = "r.txt"
        gpu_requirements = ["cupy-cuda12x>=14"]
        [mode]
        pin = "gpu_preferred"
        [slo]
        latency_p95_ms = 150
        throughput_rps = 20.5
        error_rate = 0.01
        window_s = 5
        [cost]
        cpu_per_hour = 1
        gpu_per_hour = 2
        currency = "EUR"
        [policy]
        [build]
        base_image = "python:3.12-slim"
        [run]
        concurrency = 4
        idempotent = true
        warmup = { path = "/predict?size=1", body = { size = 2 } }
        cpus = 1.5
        memory = "512Mi"
        gpus = 2
        max_body_mb = 1
        request_timeout_s = 10
        [run.env]
        MODEL = "small"
        [targets.staging]
        namespace = "trial"
        """,
    )

    slo, prices = Slo(150, 20.5, 0.01, 5), Prices(1, 2, "EUR")
    limits: dict[str, Any] = {"cpus": 1.5, "memory": "512m", "gpus": 2}
    assert project == FunctionProject(
        directory=function,
        name="matmul",
        entrypoint="func.py:handler",
        python="3.12",
        requirements=Requirements(("numpy",), "r.txt"),
        gpu_requirements=Requirements(("cupy-cuda12x>=14",)),
        pin=ExecutionMode.GPU_PREFERRED,
        slo=slo,
        prices=prices,
        base_image="python:3.12-slim",
        concurrency=4,
        idempotent=True,
        warmup=WarmUp("POST", "/predict?size=1", '{"size": 2}'),
        **limits,
        max_body_mb=1,
        request_timeout_s=10,
        env={"MODEL": "small"},
        targets={"staging": TargetSettings("staging", namespace="trial", slo=slo, prices=prices, **limits)},
    )


def test_every_key_fills_a_field_that_exists() -> None:
    parts = {"": FunctionProject, "slo": Slo, "prices": Prices}
    names = {(part, field.name) for part, kind in parts.items() for field in fields(kind)}
    names |= {("lint", name) for name in LintTable.__annotations__}

    for table, keys in TABLES.items():
        for key in keys:
            assert FIELDS.get((table, key), (PARTS.get(table, ""), key.replace("-", "_"))) in names


@pytest.mark.parametrize("source", ["node.csv", "/var/lib/node.csv", "https://u:p@node.example/cost.csv?key=1"])
def test_the_source_of_costs_is_a_file_or_an_address_and_the_functions_own(function: Path, source: str) -> None:
    (function / "gaia.toml").write_text(f'[cost]\ngpu_per_hour = 2\nsource = "{source}"\n')
    project = load_project(function)

    assert (project.cost_source, project.prices.gpu_per_hour) == (source, 2)
    assert "an http or https address" in refusal(function, '[cost]\nsource = "ftp://node.example/x"\n').message
    assert "not known here" in refusal(function, '[targets.edge.cost]\nsource = "x.csv"\n').message


def test_pyproject_configures_as_well(function: Path) -> None:
    (function / "pyproject.toml").write_text("[tool.gaia.slo]\nlatency_p95_ms = 7\n")

    assert load_project(function).slo == Slo(7)


def test_two_configurations_are_refused(function: Path) -> None:
    (function / "pyproject.toml").write_text("[tool.gaia.slo]\nlatency_p95_ms = 7\n")

    assert "both" in refusal(function, "").message


def test_an_unknown_key_is_named_with_its_file_and_the_nearest_known_one(function: Path) -> None:
    error = refusal(function, "[slo]\nlatency_p95 = 1\n")

    assert error.message == f"{function / 'gaia.toml'}: unknown key 'latency_p95' in [slo]"
    assert error.hint == "did you mean 'latency_p95_ms'?"


def test_an_unknown_key_in_pyproject_is_placed_there(function: Path) -> None:
    (function / "pyproject.toml").write_text("[tool.gaia.run]\nconcurency = 1\n")

    with pytest.raises(ConfigurationError) as caught:
        load_project(function)
    assert "pyproject.toml: [tool.gaia]: unknown key 'concurency' in [run]" in caught.value.message


def test_a_key_in_the_wrong_table_is_sent_to_the_right_one(function: Path) -> None:
    assert refusal(function, "[function]\nidempotent = true\n").hint == "'idempotent' belongs in [run]"
    assert refusal(function, 'name = "x"\n').hint == "'name' belongs in [function]"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('"POST /"', "[run] warmup must be a table with path, method and body"),
        ('{ route = "/" }', "[run] warmup: unknown key 'route'; known here: method, path, body"),
        ('{ path = "predict" }', "[run] warmup: path must be a path such as"),
        ('{ path = "/a b" }', "[run] warmup: path must be a path such as"),
        ('{ method = "post" }', "[run] warmup: method must be a method such as"),
        ("{ body = 2026-01-01 }", "[run] warmup: body must be a string, or a value that JSON can hold"),
    ],
)
def test_a_warm_up_that_is_no_request_is_refused_with_what_is_wrong(function: Path, value: str, message: str) -> None:
    assert message in refusal(function, f"[run]\nwarmup = {value}\n").message


def test_a_warm_up_of_a_string_is_sent_as_it_is(function: Path) -> None:
    assert configure(function, '[run.warmup]\nbody = "as it is"\n').warmup == WarmUp("POST", "/", "as it is")


def test_an_unknown_table_is_named_with_the_nearest_known_one(function: Path) -> None:
    error = refusal(function, "[targts.x]\n")

    assert "unknown table or key 'targts'" in error.message
    assert error.hint == "did you mean 'targets'?"


def test_a_key_like_no_other_gets_the_list_of_the_known(function: Path) -> None:
    assert refusal(function, "[mode]\nxyz = 1\n").hint == "known here: pin, hardware"


def test_a_key_of_the_policy_is_unknown_for_now(function: Path) -> None:
    assert "no keys yet" in refusal(function, "[policy]\nxyz = 1\n").hint


_NUMBERS = [
    f"[{table}]\n{key} = " for table, keys in TABLES.items() for key, kind in keys.items() if "number" in kind.expects
]


@pytest.mark.parametrize("line", _NUMBERS)
@pytest.mark.parametrize("value", ["true", '"1"', "nan", "inf", "-1", "[1]", "{}", "2020-01-01", "9" * 400])
def test_what_is_no_number_in_range_is_refused_where_a_number_stands(function: Path, line: str, value: str) -> None:
    assert "must be a" in refusal(function, line + value).message


def test_a_wrong_type_is_reported_with_what_was_expected_and_found(function: Path) -> None:
    error = refusal(function, "[slo]\nlatency_p95_ms = true\n")

    assert error.message == f"{function / 'gaia.toml'}: [slo] latency_p95_ms must be a number greater than 0, not true"


def test_a_string_that_looks_like_a_number_is_called_a_string(function: Path) -> None:
    assert refusal(function, '[slo]\nlatency_p95_ms = "1"\n').message.endswith("not the string '1'")


@pytest.mark.parametrize(
    "line",
    [
        "[function]\nname = 1",
        '[function]\nentrypoint = "../func.py"',
        '[function]\nentrypoint = "/etc/func.py"',
        '[function]\nentrypoint = "func.txt"',
        '[function]\nentrypoint = "func.py:"',
        '[function]\nentrypoint = "func.py:a b"',
        '[function]\npython = "2.7"',
        "[function]\npython = 3.12",
        "[function]\nrequirements = [1]",
        '[function]\nrequirements = ["-r other.txt"]',
        '[function]\nrequirements = ["numpy\\n--index-url x"]',
        '[function]\nrequirements = "../r.txt"',
        '[mode]\npin = "GPU"',
        "[mode]\npin = 1",
        '[cost]\ncurrency = "dollar"',
        '[build]\nbase_image = "python\\nRUN evil"',
        '[build]\nbase_image = ""',
        "[run]\nidempotent = 1",
        "[run]\nconcurrency = 1.5",
        '[run]\nmemory = "lots"',
        "[run]\nmemory = 512",
    ],
)
def test_an_unusable_value_is_refused(function: Path, line: str) -> None:
    assert " must be " in refusal(function, line).message


@pytest.mark.parametrize(("written", "meant"), [("512Mi", "512m"), ("512m", "512m"), ("2G", "2g"), ("2gi", "2g")])
def test_memory_is_given_in_one_spelling(function: Path, written: str, meant: str) -> None:
    assert configure(function, f'[run]\nmemory = "{written}"\n').memory == meant


@pytest.mark.parametrize("toml", ["slo = 5", "function = 'x'", "[[slo]]", "targets = 1"])
def test_a_table_must_be_a_table(function: Path, toml: str) -> None:
    assert "must be a table" in refusal(function, toml).message


@pytest.mark.parametrize("toml", ["[targets]\nx = 1", "[targets.UPPER]"])
def test_a_target_is_a_table_with_a_plain_name(function: Path, toml: str) -> None:
    assert "[targets]" in refusal(function, toml).message


def test_malformed_toml_is_reported_with_its_line(function: Path) -> None:
    error = refusal(function, "[slo]\nlatency_p95_ms = = 1\n")

    assert error.message.startswith(f"{function / 'gaia.toml'}:2:18: not valid TOML: ")


@pytest.mark.parametrize("toml", ["x = " + "9" * 5000, "x = " + "[" * 5000], ids=["digits", "brackets"])
def test_toml_that_breaks_its_parser_is_reported(function: Path, toml: str) -> None:
    assert refusal(function, toml).message.startswith(f"{function / 'gaia.toml'}: not readable as TOML: ")


def test_a_file_that_is_no_text_is_reported(function: Path) -> None:
    (function / "gaia.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load_project(function)


def test_a_configuration_that_is_a_directory_is_reported(function: Path) -> None:
    (function / "gaia.toml").mkdir()

    with pytest.raises(ConfigurationError, match=r"cannot read .*gaia\.toml"):
        load_project(function)


def test_nothing_at_the_path_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        load_project(tmp_path / "absent")


def test_an_empty_directory_is_reported_with_the_way_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_project(tmp_path)
    assert "contains no function" in caught.value.message
    assert "gaia init" in caught.value.hint


def test_a_file_that_is_no_python_is_reported(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()

    with pytest.raises(UsageError, match="is not a Python file"):
        load_project(tmp_path / "notes.txt")


def test_a_single_file_is_a_project(function: Path) -> None:
    (function / "My_Job.py").write_text("def handler(payload): ...\n")
    (function / "func.yaml").write_text("name: other\n")

    project = load_project(function / "My_Job.py")
    assert (project.directory, project.entrypoint, project.name) == (function, "My_Job.py", "My_Job")


def test_a_single_file_goes_before_the_configured_entry_point(function: Path) -> None:
    configure(function, '[function]\nentrypoint = "other.py"\nname = "kept"\n')

    project = load_project(function / "func.py")
    assert (project.entrypoint, project.name) == ("func.py", "kept")


@pytest.mark.parametrize("line", ["name: idle-wait", 'name: "idle-wait"', "name:  'idle-wait'  # of the paper"])
def test_func_yaml_gives_the_name_where_nothing_else_does(function: Path, line: str) -> None:
    (function / "func.yaml").write_text(f"specVersion: 0.36.0\nbuild:\n  name: nested\n{line}\nruntime: python\n")

    assert load_project(function).name == "idle-wait"
    assert configure(function, '[function]\nname = "mine"\n').name == "mine"


@pytest.mark.parametrize("line", ["name: [a", "name:", "name: {a: b}", 'name: "a', "name: *a", "name: 'a' b"])
def test_a_name_in_func_yaml_that_is_none_is_reported_with_its_line(function: Path, line: str) -> None:
    (function / "func.yaml").write_text(f"specVersion: 0.36.0\n{line}\n")

    with pytest.raises(ConfigurationError, match=r"func\.yaml:2: the name is not a plain string"):
        load_project(function)
    assert configure(function, '[function]\nname = "mine"\n').name == "mine"


@pytest.mark.parametrize("text", ["runtime: python\n", "", "namespace: x\n", "  name: nested\n"])
def test_func_yaml_without_a_name_leaves_it_to_the_directory(function: Path, text: str) -> None:
    (function / "func.yaml").write_text(text)

    assert load_project(function).name == "my-function"


def test_func_yaml_that_is_no_text_is_reported(function: Path) -> None:
    (function / "func.yaml").write_bytes(b"name: \xff\n")

    with pytest.raises(ConfigurationError, match=r"func\.yaml is not UTF-8 text"):
        load_project(function)


_KNOWN = [(table, key) for table, keys in TABLES.items() for key in keys]


@given(
    st.sampled_from(list(TABLES)),
    st.text(min_size=1, max_size=20),
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text(st.characters(codec="utf-8"))),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_unknown_key_is_refused_with_a_hint(function: Path, table: str, key: str, value: int | bool | str) -> None:
    if key in TABLES[table] or "\x00" in key:
        return
    try:
        toml = tomli_w.dumps({table: {key: value}})
        toml.encode()
    except UnicodeEncodeError:
        return
    (function / "gaia.toml").write_bytes(toml.encode())

    with pytest.raises(ConfigurationError) as caught:
        load_project(function)
    assert printable(repr(key)) in caught.value.message
    assert caught.value.hint


@given(st.sampled_from(_KNOWN), st.integers(0, 30), st.sampled_from("abcxyz_"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_wrong_letter_is_answered_with_the_key_that_was_meant(
    function: Path, known: tuple[str, str], place: int, letter: str
) -> None:
    table, key = known
    wrong = key[: place % len(key)] + letter + key[place % len(key) :]

    error = refusal(function, f"[{table}]\n{wrong} = 1\n")
    assert "did you mean" in error.hint
    assert any(candidate in error.hint for candidate in TABLES[table])


@pytest.mark.parametrize(
    "text",
    [
        '[function]\nrequirements = ["--index-url https://me:hidden@packages.example/simple"]\n',
        '[build]\nbase_image = "https://me:hid$den@packages.example/base"\n',
    ],
)
def test_an_error_about_a_value_does_not_show_the_password_in_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "func.py").touch()
    (tmp_path / "gaia.toml").write_text(text)

    with pytest.raises(ConfigurationError) as refused:
        load_project(tmp_path)
    assert "hid" not in refused.value.message
    assert "***" in refused.value.message
