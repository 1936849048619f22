"""An HTTP server that answers with what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, and the status that the query names."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        told = {
            "method": self.command,
            "target": self.path,
            "type": self.headers.get("content-type"),
            "body": body.decode(),
        }
        content = json.dumps(told).encode()
        self.send_response(503 if "fail" in self.path else 200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 -- the names that http.server looks for

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def echo_server() -> Iterator[str]:
    """The URL of an echo server, for as long as it is entered."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
