"""What is asked of a web server, and of whoever knows its address."""

from __future__ import annotations

import threading
import time

import pytest

from jobs.service_job.allowing import allowance, normal
from jobs.service_job.http_fetching import HttpFetcher, Unfetched

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
