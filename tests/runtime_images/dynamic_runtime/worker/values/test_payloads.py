"""A payload is what the body's content type says, in the coding that it names."""

from typing import Any

import pytest

from runtime_images.dynamic_runtime.worker.values.payloads import PayloadError, decode_payload

FORM = b"application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body", "payload"),
    [
        (b"text/plain; charset=ISO-8859-1", b"caf\xe9", "café"),
        (b'text/csv; header=present; CharSet="windows-1252"', b"\x80", "€"),
        (b"text/plain", "café".encode(), "café"),
        (b"text/plain; charset=utf-16", "café".encode("utf-16"), "café"),
        (b"application/json; charset=latin-1", b'"\xe9"', "é"),
        (b"application/json", b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b"application/ld+json", b"[1]", [1]),
        (b"", b"\x89PNG\r\n\x1a\n\x00\x01", b"\x89PNG\r\n\x1a\n\x00\x01"),
        (b"", b"no JSON", b"no JSON"),
        (b"", b'{"a": 1}', {"a": 1}),
        (b"application/octet-stream", b'{"a": 1}', b'{"a": 1}'),
        (b"image/png", b"\x89PNG", b"\x89PNG"),
        (FORM, b"subscribe&name=Ada", {"subscribe": "", "name": "Ada"}),
        (FORM, b"name=Ada&tag=a&tag=b&tag=", {"name": "Ada", "tag": ["a", "b", ""]}),
        (FORM, b"caf%E9+x=%C3%A9", {"caf\ufffd x": "é"}),
        (FORM + b"; charset=latin-1", b"name=%E9", {"name": "é"}),
        (FORM, b'{"a": 1}', {"a": 1}),
    ],
)
def test_a_body_arrives_as_what_it_is(content_type: bytes, body: bytes, payload: Any) -> None:  # noqa: ANN401
    assert decode_payload(content_type, body, b"") == payload


def test_a_name_that_stands_more_than_once_in_a_query_has_the_list_of_all() -> None:
    assert decode_payload(b"", b"", b"q=a&page&q=b") == {"q": ["a", "b"], "page": ""}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"application/json", b"{"),
        (b"application/json; charset=utf-8", b'"\xe9"'),
        (b"text/plain", b"caf\xe9"),
        (b"text/plain; charset=klingon", b"x"),
        (b"text/plain; charset=zlib", b"x"),
        (b"text/plain; charset=idna", b"x"),
        (b"text/plain; charset=unicode_escape", b"x"),
        (FORM, b'{"a": 1'),
        (b"multipart/form-data", b"--b\r\n\r\n--b--"),
        (b"multipart/form-data; boundary=b", b"no part at all"),
        (b"multipart/form-data; boundary=b", b"--b\r\ncontent-type: a/b\r\n\r\nx\r\n--b--"),
        (b"multipart/form-data; boundary=b", b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx'),
    ],
)
def test_a_body_that_contradicts_its_type_is_refused(content_type: bytes, body: bytes) -> None:
    with pytest.raises(PayloadError):
        decode_payload(content_type, body, b"")


def test_a_form_with_files_has_texts_and_bytes_that_know_their_names() -> None:
    body = (
        b"preamble\r\n--a b\r\n"
        b'Content-Disposition: form-data; name="caption"\r\n\r\nK\xc3\xb6ln\r\n--a b\r\n'
        b'Content-Disposition: form-data; name="file"; filename="a \\"b\\".png"\r\nContent-Type: image/png\r\n\r\n'
        b"\x89PNG\r\n--a\r\n\r\n--a b\r\n"
        b"content-disposition: form-data; filename=; name=empty\r\n\r\n\r\n--a b--\r\nepilogue"
    )
    payload = decode_payload(b'multipart/form-data; boundary="a b"', body, b"")

    assert payload == {"caption": "Köln", "file": b"\x89PNG\r\n--a\r\n", "empty": b""}
    assert (payload["file"].filename, payload["file"].content_type) == ('a "b".png', "image/png")
    assert payload["empty"].content_type == "application/octet-stream"
