"""What is asked of a web server, and of whoever knows its address."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from urllib3.connection import HTTPConnection

from jobs.service_job import http_fetching
from jobs.service_job.allowing import allowance, normal
from jobs.service_job.http_fetching import HttpFetcher, Unfetched

PATIENCE_S = 60
URI = "http://127.0.0.1:1/"


def test_addresses_that_nobody_waits_for_are_not_looked_up() -> None:
    """A resolver that hangs for a while has not all that piled up to do when it is back."""
    back, asked = threading.Event(), []

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        back.wait(30)
        return []

    allowed = [allowance(URI)]
    http = HttpFetcher(allowed, 1_000, resolve=resolve)
    for _ in range(20):
        with pytest.raises(Unfetched, match="was not found in time"):
            http.fetch(normal(URI, allowed), time.monotonic())
    back.set()
    with pytest.raises(Unfetched, match="has no address"):  # its turn comes after all of those
        http.fetch(normal(URI, allowed), time.monotonic() + 30)
    http.close()

    assert len(asked) <= 5  # as many as look up at a time, and the last one


def test_connection_that_is_made_too_late_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time was over there was none to be cut: its server could let it drip for as long as it likes."""
    times = iter([0.0, PATIENCE_S])  # all of it is there when the host is looked up, and none of it then
    before = {*threading.enumerate()}

    class Late(HTTPConnection):
        def connect(self) -> None:
            cutting = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
            for each in {*cutting} - before:
                each.join(PATIENCE_S)
            super().connect()

    monkeypatch.setattr(http_fetching, "_made", lambda target, address: Late(address, target.port))
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}/"
        allowed = [allowance(uri)]
        http = HttpFetcher(allowed, 1_000, lambda: next(times, 0.0), resolve=lambda host, _: [host])
        with pytest.raises(Unfetched, match="did not come in time"):
            http.fetch(normal(uri, allowed), PATIENCE_S)
        http.close()
        server.settimeout(PATIENCE_S)
        asked, _ = server.accept()
        with asked:
            assert asked.recv(1) == b""
