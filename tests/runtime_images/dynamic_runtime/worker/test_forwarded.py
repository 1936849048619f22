"""Proxies that say who the client is: believed where they are trusted, and nobody else is."""

import pytest

from runtime_images.dynamic_runtime.worker.asgi import build_scope
from runtime_images.dynamic_runtime.worker.forwarded import Proxies, forwarding_of

HERE = ("127.0.0.1", 40000)
ELSEWHERE = ("203.0.113.9", 40000)


def head(*lines: str) -> bytes:
    return "\r\n".join(["GET / HTTP/1.1", "Host: shop.example", *lines, "", ""]).encode("latin-1")


def test_a_proxy_of_this_machine_says_who_the_client_is() -> None:
    scope = build_scope(head("X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https"), {}, HERE)

    assert (scope["client"], scope["scheme"]) == (("198.51.100.7", 0), "https")


def test_what_anybody_else_says_is_not_believed() -> None:
    scope = build_scope(head("X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https"), {}, ELSEWHERE)

    assert (scope["client"], scope["scheme"]) == (ELSEWHERE, "http")


def test_the_same_head_of_two_peers_is_judged_twice() -> None:
    same = head("X-Forwarded-Proto: https")

    schemes = [build_scope(same, {}, peer)["scheme"] for peer in (HERE, ELSEWHERE, HERE)]

    assert schemes == ["https", "http", "https"]


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("198.51.100.7:1234", ("198.51.100.7", 1234)),
        ("[2001:db8::1]:443", ("2001:db8::1", 443)),
        ("[2001:db8::1]", ("2001:db8::1", 0)),
        ("198.51.100.7:", ("198.51.100.7", 0)),
        ("198.51.100.7:x", ("198.51.100.7", 0)),
        ("198.51.100.7:123456789", ("198.51.100.7", 0)),
    ],
)
def test_a_port_that_a_proxy_says_is_the_clients(said: str, client: tuple[str, int]) -> None:
    assert build_scope(head(f"X-Forwarded-For: {said}"), {}, HERE)["client"] == client


@pytest.mark.parametrize(
    ("trusted", "said", "client"),
    [
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1,10.0.0.0/8", "6.6.6.6, 198.51.100.7, 10.1.2.3", "198.51.100.7"),
        ("*", "6.6.6.6, 198.51.100.7", "6.6.6.6"),
        ("127.0.0.1,10.0.0.0/8", "10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("127.0.0.1", "198.51.100.7:1234", "198.51.100.7"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "unknown", "unknown"),
        ("127.0.0.1", " , ", "127.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "127.0.0.1"),
        ("nonsense, ", "198.51.100.7", "127.0.0.1"),
    ],
)
def test_the_last_host_that_is_not_trusted_is_the_client(trusted: str, said: str, client: str) -> None:
    found = forwarding_of([(b"x-forwarded-for", said.encode()), (b"x-forwarded-proto", b"http")])
    assert found is not None

    assert Proxies(trusted).resolve(HERE, found)[0][0] == client  # type: ignore[index]


@pytest.mark.parametrize(
    ("said", "scheme"), [("https,http", "https"), ("HTTPS", "https"), ("gopher", "http"), ("", "http")]
)
def test_only_schemes_of_http_are_taken(said: str, scheme: str) -> None:
    assert build_scope(head(f"X-Forwarded-Proto: {said}"), {}, HERE)["scheme"] == scheme


def test_lines_that_were_added_one_by_one_are_one_list() -> None:
    found = forwarding_of([(b"x-forwarded-for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2, 3.3.3.3")])

    assert found == ((("1.1.1.1", 0), ("2.2.2.2", 0), ("3.3.3.3", 0)), "")


def test_a_client_without_an_address_is_trusted_by_a_star_alone() -> None:
    said = ((("198.51.100.7", 0),), "https")

    assert Proxies("127.0.0.1").resolve(None, said) == (None, "http")
    assert Proxies("*").resolve(None, said) == (("198.51.100.7", 0), "https")
