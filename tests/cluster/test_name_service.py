"""The plane's name service: whoever asks it gets the answer from where it asked, or would wait in vain."""

import socket

from tests.support.control_plane.stand_ins.names import open_port, reply

QUESTION = b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\x05hello\x02ns\x03svc\x07cluster\x05local\x00\x00\x01\x00\x01"


def test_an_answer_comes_from_the_address_that_was_asked() -> None:
    with open_port(0) as listening, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        asked = ("127.0.0.2", listening.getsockname()[1])
        client.sendto(QUESTION, asked)
        listening.setblocking(True)
        reply(listening)

        said, sender = client.recvfrom(512)

    assert said.startswith(QUESTION[:2])
    assert sender == asked
