"""Connections by HTTP: whatever a server answers is told as a call that failed."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from penstock.remote.calls import CallError
from penstock.remote.rest import Rest

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def server(status: int, body: bytes) -> Iterator[str]:
    """One that always answers this: its host and port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{found.server_port}"
    finally:
        found.shutdown()
        found.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b'{"name": "gr\xfcn"}', "FAILED_PRECONDITION: its answer is no JSON: 'utf-8' codec"),
        (200, b"[" * 100_000, "FAILED_PRECONDITION: its answer is no JSON: maximum recursion depth"),
        (503, b'{"error": "sp\xe4ter"}', 'UNAVAILABLE: HTTP 503: {"error": "sp\ufffdter"}'),
        (503, b'{"error": "later"}', "UNAVAILABLE: HTTP 503: later"),
        (404, b"[" * 100_000, r"NOT_FOUND: HTTP 404: \[\["),
    ],
)
def test_answers_that_nobody_can_read_are_told(status: int, body: bytes, told: str) -> None:
    """Another error than a call's would end whoever waits for the server."""
    with server(status, body) as address:
        rest = Rest(address, None, {})
        with pytest.raises(CallError, match=told):
            rest.ask("GET", "/", None, 30.0)
        rest.close()
