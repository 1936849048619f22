from pathlib import Path

import pytest

from gaia_cli.errors import ConfigurationError
from gaia_cli.project.project import load_project
from gaia_cli.project.requirements import Requirements, requirements_file


@pytest.fixture
def function(tmp_path: Path) -> Path:
    (tmp_path / "func.py").write_text("def handler(payload):\n    return payload\n")
    return tmp_path


def test_requirements_txt_is_found(function: Path) -> None:
    (function / "requirements.txt").write_text("# tools\nnumpy>=2  # arrays\n\n  httpx [http2]\n")
    (function / "pyproject.toml").write_text('[project]\ndependencies = ["torch"]\n')

    project = load_project(function)
    assert project.requirements.lines == ("numpy>=2", "httpx [http2]")
    assert project.requirements.file == "requirements.txt"


def test_the_dependencies_of_pyproject_count_without_a_requirements_file(function: Path) -> None:
    (function / "pyproject.toml").write_text('[project]\ndependencies = ["numpy", "torch"]\n')

    project = load_project(function)
    assert (project.requirements.lines, project.requirements.file) == (("numpy", "torch"), "")


def test_the_configured_ones_go_before_what_is_found(function: Path) -> None:
    (function / "requirements.txt").write_text("numpy\n")
    (function / "gaia.toml").write_text('[function]\nrequirements = ["httpx"]\n')

    assert load_project(function).requirements.lines == ("httpx",)


def test_an_empty_list_means_none(function: Path) -> None:
    (function / "requirements.txt").write_text("numpy\n")
    (function / "gaia.toml").write_text("[function]\nrequirements = []\n")

    assert load_project(function).requirements.lines == ()


def test_included_files_are_flattened_and_long_lines_joined(function: Path) -> None:
    (function / "deps").mkdir()
    (function / "requirements.txt").write_text("-r deps/a.txt\nlast\n")
    (function / "deps" / "a.txt").write_text("first \\\n  --hash=sha256:00\n--requirement=b.txt\n")
    (function / "deps" / "b.txt").write_text("second\n")

    assert load_project(function).requirements.lines == ("first   --hash=sha256:00", "second", "last")


def test_a_missing_included_file_is_reported_with_the_line_that_includes_it(function: Path) -> None:
    (function / "requirements.txt").write_text("-r absent.txt\n")

    with pytest.raises(ConfigurationError, match=r"requirements\.txt: -r absent\.txt: cannot read .*absent\.txt"):
        load_project(function).requirements.all_inside()


def test_a_missing_configured_file_is_reported_with_its_key(function: Path) -> None:
    (function / "gaia.toml").write_text('[function]\ngpu_requirements = "absent.txt"\n')

    with pytest.raises(ConfigurationError, match=r"gaia\.toml: \[function\] gpu_requirements: cannot read"):
        load_project(function)


def test_files_that_include_each_other_are_reported(function: Path) -> None:
    (function / "requirements.txt").write_text("-r requirements.txt\n")

    with pytest.raises(ConfigurationError, match="include each other"):
        load_project(function).requirements.all_inside()


def test_dependencies_that_are_no_list_are_reported(function: Path) -> None:
    (function / "pyproject.toml").write_text('[project]\ndependencies = "numpy"\n')

    with pytest.raises(ConfigurationError, match=r"pyproject\.toml: \[project\] dependencies must be a list"):
        load_project(function)


def test_the_lines_of_constraints_are_known_where_all_their_files_are(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-c limits.txt\nnumpy\n", encoding="utf-8")
    assert requirements_file(tmp_path, "requirements.txt", "").constraints is None
    (tmp_path / "limits.txt").write_text("numpy<3\n-c more.txt\n", encoding="utf-8")
    assert requirements_file(tmp_path, "requirements.txt", "").constraints is None
    (tmp_path / "more.txt").write_text("scipy<2\n", encoding="utf-8")
    assert requirements_file(tmp_path, "requirements.txt", "").constraints == ("numpy<3", "scipy<2")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_list_is_read_by_its_first_bytes_as_pip_does(function: Path, encoding: str) -> None:
    mark = "\ufeff" if encoding.endswith("e") else ""
    (function / "requirements.txt").write_bytes(f"{mark}numpy>=2\r\nscipy\r\n".encode(encoding))

    assert load_project(function).requirements.lines == ("numpy>=2", "scipy")


def test_a_list_in_another_encoding_is_reported(function: Path) -> None:
    (function / "requirements.txt").write_bytes("numpy  # f\xfcr alle\n".encode("latin-1"))

    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load_project(function).requirements_for(gpu=False)


@pytest.mark.parametrize(
    ("stated", "lines"),
    [
        ('numpy = "^1.2.3"', ("numpy>=1.2.3,<2",)),
        ('numpy = "~1.2"', ("numpy>=1.2,<1.3",)),
        ('numpy = "*"', ("numpy",)),
        ('numpy = "1.2.3"', ("numpy==1.2.3",)),
        ('numpy = ">= 1.2, < 2"', ("numpy>=1.2,<2",)),
        ('numpy = {version = "^0.2", extras = ["a", "b"]}', ("numpy[a,b]>=0.2,<0.3",)),
        ('numpy = {version = "^2", optional = true}', ()),
        ('numpy = {git = "https://host/n.git", tag = "v1"}', ("numpy @ git+https://host/n.git@v1",)),
        ('numpy = {path = "libs/n"}', ("./libs/n",)),
        (
            'numpy = [{version = "1", markers = "os_name == \'nt\'"}, {version = "2"}]',
            ("numpy==1 ; os_name == 'nt'", "numpy==2"),
        ),
    ],
)
def test_poetrys_table_is_read_as_pip_writes_it(function: Path, stated: str, lines: tuple[str, ...]) -> None:
    (function / "pyproject.toml").write_text(f'[tool.poetry.dependencies]\npython = "^3.11"\n{stated}\n')

    assert load_project(function).requirements.lines == lines


def test_alternatives_that_pip_cannot_name_are_reported(function: Path) -> None:
    (function / "pyproject.toml").write_text('[tool.poetry.dependencies]\nnumpy = "^1 || ^3"\n')

    with pytest.raises(ConfigurationError, match="versions that pip cannot name"):
        load_project(function)


def test_the_sources_of_uv_are_where_packages_come_from(function: Path) -> None:
    listed = '[project]\ndependencies = ["numpy>=2", "own", "plain"]\n'
    sources = '[tool.uv.sources]\nown = {path = "libs/own"}\nnumpy = {git = "https://host/n", rev = "abc"}\n'
    (function / "pyproject.toml").write_text(listed + sources)

    assert load_project(function).requirements.lines == ("numpy @ git+https://host/n@abc", "./libs/own", "plain")


def test_projects_of_pdm_list_what_they_need_as_all_others(function: Path) -> None:
    listed = '[project]\nname = "x"\nrequires-python = ">=3.11"\ndependencies = ["numpy>=2"]\n'
    (function / "pyproject.toml").write_text(f"{listed}[tool.pdm]\ndistribution = false\n")

    assert load_project(function).requirements.lines == ("numpy>=2",)


@pytest.mark.parametrize(
    ("tables", "options"),
    [
        ('[[tool.uv.index]]\nurl = "https://a/s"\n[[tool.uv.index]]\nurl = "https://b/s"\ndefault = true\n', "+a =b"),
        (
            '[tool.uv]\nindex-url = "https://a/s"\nextra-index-url = ["https://b/s"]\nfind-links = ["https://c/s"]\n',
            "=a +b @c",
        ),
        ('[[tool.poetry.source]]\nname = "a"\nurl = "https://a/s"\npriority = "supplemental"\n', "+a"),
        ('[[tool.poetry.source]]\nname = "a"\nurl = "https://a/s"\n', "=a"),
        ('[[tool.poetry.source]]\nname = "PyPI"\n[[tool.poetry.source]]\nname = "a"\nurl = "https://a/s"\n', "+a"),
        (
            '[[tool.pdm.source]]\nname="pypi"\nurl="https://a/s"\n[[tool.pdm.source]]\nname="b"\nurl="https://b/s"\n',
            "=a +b",
        ),
        ('[[tool.pdm.source]]\nname = "b"\nurl = "https://b/s"\ntype = "find_links"\n', "@b"),
        (
            '[[tool.uv.index]]\nurl = "https://a/s --pre"\n[[tool.uv.index]]\nurl = 3\n[tool.poetry]\nsource = 1\n',
            "",
        ),
    ],
)
def test_pip_gets_the_indexes_of_other_tools(function: Path, tables: str, options: str) -> None:
    (function / "pyproject.toml").write_text(f'[project]\ndependencies = ["numpy"]\n{tables}')
    names = {"=": "--index-url", "+": "--extra-index-url", "@": "--find-links"}
    expected = [f"{names[option[0]]} https://{option[1]}/s" for option in options.split()]

    assert load_project(function).requirements.lines == (*expected, "numpy")


def test_what_cog_installs_is_required(function: Path) -> None:
    (function / "requirements.txt").write_text("for-development\n")
    (function / "cog.yaml").write_text(
        "build:\n  python_packages:\n    - pillow==10.0.1\n    - 'numpy'\npredict: p.py:P\n"
    )

    assert load_project(function).requirements.lines == ("pillow==10.0.1", "numpy")

    (function / "needed.txt").write_text("scipy\n")
    (function / "cog.yaml").write_text("build:\n  python_requirements: needed.txt\n")
    assert load_project(function).requirements == Requirements(("scipy",), "needed.txt")


def test_a_cog_yaml_without_packages_leaves_the_requirements_as_they_are(function: Path) -> None:
    (function / "requirements.txt").write_text("numpy\n")
    (function / "cog.yaml").write_text("build: {gpu: true, python_packages: , python_requirements: }\n")

    assert load_project(function).requirements.lines == ("numpy",)


def test_a_cog_yaml_that_names_no_file_is_reported_with_its_line(function: Path) -> None:
    (function / "cog.yaml").write_text("build:\n  python_requirements: absent.txt\n")

    with pytest.raises(ConfigurationError, match=r"cog\.yaml:2: python_requirements: cannot read .*absent\.txt"):
        load_project(function)
