"""Servers of models' files for tests: http with all its faults, and as much of Hadoop's WebHDFS as a client needs."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CONTENT", "Faulty", "WebHdfs", "serving"]

CONTENT = b"<PMML/>" * 100_000
_HEAD = 1_000


class Faulty(BaseHTTPRequestHandler):
    """Gives the same file under every path, each in its own way."""

    protocol_version = "HTTP/1.1"
    over: threading.Event
    """Ends what takes its time."""

    def do_GET(self) -> None:
        """Answer as the path says."""
        match urlsplit(self.path).path:
            case "/whole":
                self._begin(200, len(CONTENT))
                self.wfile.write(CONTENT)
            case "/broken":
                self._begin(200, len(CONTENT))
                self.wfile.write(CONTENT[:_HEAD])
                self.close_connection = True
            case "/unsized":
                self._begin(200, None)
                self.wfile.write(CONTENT[:_HEAD])
            case "/slow":
                self._begin(200, len(CONTENT))
                for byte in CONTENT:
                    self.wfile.write(bytes([byte]))
                    if self.over.wait(0.05):
                        return
            case "/silent":
                self.over.wait()
                self.close_connection = True
            case "/forbidden":
                self._begin(403, 0)
            case "/overloaded":
                self._begin(503, 0)
            case _:
                self._begin(404, 0)

    def _begin(self, status: int, size: int | None) -> None:
        self.send_response(status)
        if size is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Tell nothing."""


class WebHdfs(Faulty):
    """Keeps files in memory, as name node and data node in one."""

    files: dict[str, bytes]

    def do_GET(self) -> None:
        """Tell of a file, or give it."""
        path, operation = self._asked()
        content = self.files.get(path)
        if content is None:
            self._tell(404, {"RemoteException": {"exception": "FileNotFoundException", "message": "no such file"}})
        elif operation == "GETFILESTATUS":
            self._tell(200, {"FileStatus": {"type": "FILE", "length": len(content), "pathSuffix": ""}})
        else:
            offset = int(parse_qs(urlsplit(self.path).query).get("offset", ["0"])[0])
            self._begin(200, len(content) - offset)
            self.wfile.write(content[offset:])

    def do_PUT(self) -> None:
        """Make folders, or a file, in the two steps that the protocol has."""
        path, operation = self._asked()
        if operation == "MKDIRS":
            self._tell(200, {"boolean": True})
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "data=true" not in self.path:
            self.send_response(307)
            self.send_header("Location", f"http://{self.headers['Host']}{self.path}&data=true")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.files[path] = body
        self._begin(201, 0)

    def do_POST(self) -> None:
        """Append, in two steps as well."""
        path, _ = self._asked()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "data=true" not in self.path:
            self.send_response(307)
            self.send_header("Location", f"http://{self.headers['Host']}{self.path}&data=true")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.files[path] = self.files.get(path, b"") + body
        self._begin(200, 0)

    def _asked(self) -> tuple[str, str]:
        parts = urlsplit(self.path)
        return parts.path.removeprefix("/webhdfs/v1"), parse_qs(parts.query)["op"][0]

    def _tell(self, status: int, facts: object) -> None:
        body = json.dumps(facts).encode()
        self._begin(status, len(body))
        self.wfile.write(body)


@contextmanager
def serving(kind: type[Faulty]) -> Iterator[str]:
    """Run a server; yields its host and port."""

    class Handler(kind):  # type: ignore[misc, valid-type]
        over = threading.Event()
        files: dict[str, bytes] = {}  # noqa: RUF012 (one server's)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        Handler.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
