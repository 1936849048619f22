import time

import pytest

from analyzers.lean import toml
from tests.architecture.sources import modules


def test_toml_is_read() -> None:
    assert toml.loads('[a.b.c]\nd.e = "x.y"\n') == {"a": {"b": {"c": {"d": {"e": "x.y"}}}}}


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 20_000) + " = 1\n",
        "[" + ".".join(["'a'"] * 20_000) + "]\n" + "".join(f"k{number} = 1\n" for number in range(5_000)),
        "x = { " + " . ".join(['"a"'] * 20_000) + " = 1 }\n",
    ],
    ids=["key", "header", "inline"],
)
def test_a_name_of_thousands_of_parts_is_refused_at_once(text: str) -> None:
    began = time.process_time()

    with pytest.raises(ValueError, match="more than 32 parts"):
        toml.loads(text)
    assert time.process_time() - began < 0.5


def test_nobody_reads_toml_in_another_way() -> None:
    others = [module.path for module in modules() if "tomllib.load" in module.text]

    assert others == ["analyzers/lean/toml.py", "gaia_cli/images/recipes.py"], "the latter reads Gaia's own file"
