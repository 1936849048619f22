import pytest

from gaia_cli.commands.build import checked_tag
from gaia_cli.errors import UsageError


@pytest.mark.parametrize(
    ("tag", "whole"),
    [
        ("hello", "hello:latest"),
        ("team/hello:1", "team/hello:1"),
        ("localhost/hello", "localhost/hello:latest"),
        ("Registry.example:5000/team/hello:V1", "Registry.example:5000/team/hello:V1"),
        ("HOST:5000/hello", "HOST:5000/hello:latest"),
    ],
)
def test_a_tag_is_made_whole(tag: str, whole: str) -> None:
    assert checked_tag(tag) == whole


@pytest.mark.parametrize("tag", ["Hello", "Team/hello", "a b", "hello:", "hello:-1", "/hello", "hello/", "-hello"])
def test_what_no_engine_would_take_is_refused_before_anything_is_built(tag: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of an image"):
        checked_tag(tag)


def test_an_image_is_given_no_digest() -> None:
    with pytest.raises(UsageError, match="has a digest"):
        checked_tag(f"hello@sha256:{'a' * 64}")
