import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_cli.errors import UsageError
from gaia_cli.images.references import Reference, parse_reference

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
OTHER = f"sha256:{'f' * 64}"

_PARTS = st.from_regex(r"[a-z0-9]{1,5}([._-][a-z0-9]{1,5}){0,2}", fullmatch=True)
_HOSTS = st.one_of(
    st.from_regex(r"[a-z][a-z0-9]{0,9}:[1-9][0-9]{0,4}", fullmatch=True),
    st.from_regex(r"[A-Za-z][a-z0-9-]{0,5}[a-z]\.example(:[1-9][0-9]{0,4})?", fullmatch=True),
    st.sampled_from(["localhost", "127.0.0.1:5000", "[::1]:5000", "HOST:1"]),
)
_PATHS = st.lists(_PARTS, min_size=1, max_size=3).map("/".join).filter(lambda path: 1 < len(path) < 64)
_TAGS = st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}", fullmatch=True))
_DIGESTS = st.sampled_from(["", DIGEST, OTHER])
_REFERENCES = st.builds(Reference, _HOSTS, _PATHS, _TAGS, _DIGESTS)


@pytest.mark.parametrize(
    ("text", "tag", "digest"),
    [
        ("reg.example:5000/team/fn", "", ""),
        ("reg.example:5000/team/fn:1", "1", ""),
        (f"reg.example:5000/team/fn@{DIGEST}", "", DIGEST),
        (f"reg.example:5000/team/fn:1@{DIGEST}", "1", DIGEST),
    ],
)
def test_a_port_a_tag_and_a_digest_are_told_apart(text: str, tag: str, digest: str) -> None:
    reference = parse_reference(text)
    assert reference == Reference("reg.example:5000", "team/fn", tag, digest)
    assert reference.pinned(OTHER) == f"reg.example:5000/team/fn@{OTHER}"


@pytest.mark.parametrize(
    ("text", "name", "short"),
    [
        ("hello", "docker.io/library/hello", "hello"),
        ("team/hello", "docker.io/team/hello", "team/hello"),
        ("docker.io/hello", "docker.io/library/hello", "hello"),
        ("index.docker.io/team/hello", "docker.io/team/hello", "team/hello"),
        ("docker.io/library/team/hello", "docker.io/library/team/hello", "library/team/hello"),
        ("localhost/hello", "localhost/hello", "localhost/hello"),
        ("HOST:5000/hello", "HOST:5000/hello", "HOST:5000/hello"),
        ("host:5000/hello", "host:5000/hello", "host:5000/hello"),
        ("a.b/hello", "a.b/hello", "a.b/hello"),
        ("[2001:db8::1]:5000/hello", "[2001:db8::1]:5000/hello", "[2001:db8::1]:5000/hello"),
        ("host:5000", "docker.io/library/host", "host:5000"),
    ],
)
def test_a_name_belongs_to_the_registry_that_docker_would_ask(text: str, name: str, short: str) -> None:
    reference = parse_reference(text)
    assert reference.name == name
    assert str(reference) == short


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"reg:5000/fn@{DIGEST[:-1]}", "has 64 digits, not 63"),
        (f"reg:5000/fn@{DIGEST}@{DIGEST}", "two digests"),
        (f"reg:5000/fn@{DIGEST.upper()}", "begins with sha256:"),
        (f"reg:5000/fn@{DIGEST[:-1]}G", "each of 0-9 and a-f"),
        (f"reg:5000/fn@sha512:{'a' * 128}", "begins with sha256:"),
        ("reg:5000/fn@", "begins with sha256:"),
        ("reg:5000/fn:", "a tag is"),
        ("reg:5000/fn:-1", "a tag is"),
        ("reg:5000/fn:1:2", "a tag is"),
        ("reg:5000/Team/fn", "lower case"),
        ("Hello", "lower case"),
        ("Team/hello", "lower case"),
        ("reg:5000/f", "one letter"),
        ("reg:5000/", "a name is"),
        ("", "a name is"),
        ("a..b", "a name is"),
        ("a/b c", "a name is"),
        ("-reg.example/fn", "not the host"),
        ("reg:port/fn", "not the host"),
        ("f" * 64, "identifier"),
        (f"reg.example/{'a' * 300}", "at most 255"),
        ("reg.example/fn:1\n", "a tag is"),
    ],
)
def test_what_is_no_reference_is_shown_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=re.escape(why)) as caught:
        parse_reference(text, "--image")
    assert f"--image {text.rstrip()}" in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text", ["https://reg.example/fn", "https://me:geheim@reg.example/fn", "me:geheim@reg.example/fn", "x://a:geheim@b"]
)
def test_a_password_in_a_reference_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError, match="no password") as caught:
        parse_reference(text)
    assert "geheim" not in f"{caught.value.message}{caught.value.hint}"


@given(_REFERENCES)
def test_what_is_written_is_read_again(reference: Reference) -> None:
    assert parse_reference(str(reference)) == reference


@given(_REFERENCES)
def test_a_pinned_reference_has_port_and_path_and_exactly_one_digest(reference: Reference) -> None:
    pinned = parse_reference(reference.pinned(DIGEST))
    assert (pinned.host, pinned.path, pinned.tag, pinned.digest) == (reference.host, reference.path, "", DIGEST)
    assert reference.pinned(DIGEST).count("@sha256:") == 1


@given(st.text(max_size=600) | st.text("a/:@.-_[]A0", max_size=600))
def test_any_text_is_a_reference_or_a_usage_error(text: str) -> None:
    try:
        reference = parse_reference(text)
    except UsageError:
        return
    assert parse_reference(str(reference)) == reference
