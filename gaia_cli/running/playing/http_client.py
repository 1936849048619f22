"""The smallest HTTP/1.1 client that a load player needs: keep-alive, the answer's status and headers.

It uses the runtime's own parser. An HTTP library would bring retries, which hide the failures that a player counts.
"""

import asyncio
from dataclasses import dataclass, field

import httptools

_CHUNK = 64 * 1024
_MOST_BESIDE_BODY = 256 * 1024
"""Bytes of an answer that bring none of its body: the parser keeps a head until it ends, whatever a function sends."""


class ConnectionBroken(Exception):  # noqa: N818 -- says what happened; it never leaves the player
    """The connection failed before the whole answer arrived."""


@dataclass(slots=True)
class Reply:
    """An answer: status and headers (names in lower case), without its body."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class _Collector:
    """Takes the parser's callbacks for one answer; only during the last of them the parser knows the status."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.reply = Reply()
        self.complete = False
        self.keep_alive = False
        self.beside_body = 0

    def on_body(self, _content: bytes) -> None:
        self.beside_body = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.reply.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        self.complete = True
        self.reply.status = self.parser.get_status_code()
        self.keep_alive = self.parser.should_keep_alive()


class Connection:
    """One keep-alive connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer, self._host = reader, writer, host
        self._keep = True

    @classmethod
    async def open(cls, host: str, port: int) -> "Connection":
        """Connect.

        Raises:
            ConnectionBroken: nobody answers there.
        """
        try:
            reader, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            raise ConnectionBroken(f"cannot connect: {error}") from None
        return cls(reader, writer, f"{host}:{port}")

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent: the last answer allowed it and neither side has hung up."""
        return self._keep and not self._reader.at_eof() and not self._writer.is_closing()

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Send one request and wait for the whole answer.

        Raises:
            ConnectionBroken: the connection ended, or what came is not HTTP.
        """
        head = [f"{method} {path} HTTP/1.1", f"host: {self._host}", f"content-length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in headers.items()]
        self._keep = False
        try:
            self._writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
            await self._writer.drain()
            return await self._answer()
        except OSError as error:
            raise ConnectionBroken(str(error) or type(error).__name__) from None

    async def _answer(self) -> Reply:
        collector = _Collector()
        while not collector.complete:
            data = await self._reader.read(_CHUNK)
            if not data:
                raise ConnectionBroken("the connection ended before the whole answer arrived")
            collector.beside_body += len(data)
            try:
                collector.parser.feed_data(data)
            except httptools.HttpParserError as error:
                raise ConnectionBroken(f"the answer is not HTTP: {error}") from None
            if collector.beside_body > _MOST_BESIDE_BODY:
                raise ConnectionBroken("the answer's head is too long")
        self._keep = collector.keep_alive
        return collector.reply

    def close(self) -> None:
        """Hang up at once."""
        self._writer.close()
