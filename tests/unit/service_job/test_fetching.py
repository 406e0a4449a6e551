"""Payloads by reference: from a server on this machine, within bounds, and never from where they may not."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar

import pytest

from jobs.service_job.allowing import allowance, normal
from jobs.service_job.fetching import Fetcher, Limits
from jobs.service_job.http_fetching import HttpFetcher, Unfetched
from penstock.engine_sections import FetchSettings
from penstock.errors import FetchError, SettingsError
from penstock.models.store import Store
from penstock.settings import ServiceSettings, Settings
from penstock.testing.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LIMITS = Limits(most_bytes=1_000, timeout_s=60.0)


class Pages(BaseHTTPRequestHandler):
    """Answers by path, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    connections: ClassVar[set[tuple[str, int]]] = set()
    answers: ClassVar[dict[str, Callable[[Pages], None]]] = {}

    def do_GET(self) -> None:
        """Do what the path says."""
        self.connections.add(self.client_address)
        self.answers[self.path](self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def give(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer with a body."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def pages() -> Iterator[str]:
    """A web server on this machine: its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    Pages.answers, Pages.connections = {}, set()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def fetcher(*allow: str, limits: Limits = LIMITS) -> Iterator[Fetcher]:
    """One that is closed again."""
    found = Fetcher([allowance(each) for each in allow], limits, Store(patience_s=limits.timeout_s))
    try:
        yield found
    finally:
        found.close()


def test_payload_comes_over_a_connection_that_is_kept(pages: str) -> None:
    """With the path and the query as they are; and the next one over the same connection."""
    Pages.answers["/a%20b?c=1"] = lambda page: page.give(b"payload")
    with fetcher(f"{pages}/") as fetch:
        assert [fetch.fetch(f"{pages}/a%20b?c=1") for _ in range(3)] == [b"payload"] * 3

    assert len(Pages.connections) == 1


def test_several_threads_may_fetch(pages: str) -> None:
    """Each has a connection of its own meanwhile."""
    both = threading.Barrier(2, timeout=60)

    def together(page: Pages) -> None:
        both.wait()
        page.give(b"payload")

    Pages.answers["/"] = together
    found: list[bytes] = []
    with fetcher(f"{pages}/") as fetch:
        threads = [threading.Thread(target=lambda: found.append(fetch.fetch(f"{pages}/"))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [b"payload"] * 2


def test_server_that_closes_is_asked_anew(pages: str) -> None:
    """A connection that was kept may be dead by the time it is used again."""
    Pages.answers["/"] = lambda page: page.give(b"payload", Connection="close")
    with fetcher(f"{pages}/") as fetch:
        assert [fetch.fetch(f"{pages}/") for _ in range(2)] == [b"payload"] * 2


def test_connection_that_was_ended_without_a_word_is_not_used_again(pages: str) -> None:
    """Servers end idle connections when they like: that is no reason for a dead letter."""
    ended = threading.Event()

    def ends(page: Pages) -> None:
        page.give(b"payload")
        page.connection.shutdown(socket.SHUT_WR)
        page.close_connection = True
        ended.set()

    Pages.answers["/"] = ends
    with fetcher(f"{pages}/") as fetch:
        for _ in range(3):
            assert fetch.fetch(f"{pages}/") == b"payload"
            assert ended.wait(60)
            ended.clear()


def test_connection_that_ends_when_it_is_asked_again_costs_no_payload(pages: str) -> None:
    """A server's patience with an idle connection may be over in that very moment."""
    answered = set()

    def once(page: Pages) -> None:
        if page.client_address in answered:
            page.close_connection = True
        else:
            answered.add(page.client_address)
            page.give(b"payload")

    Pages.answers["/"] = once
    with fetcher(f"{pages}/") as fetch:
        assert [fetch.fetch(f"{pages}/") for _ in range(3)] == [b"payload"] * 3


def test_server_that_only_hangs_up_is_told(pages: str) -> None:
    """By a connection of its own it is asked once."""
    asked = []

    def hang_up(page: Pages) -> None:
        asked.append(page.client_address)
        page.close_connection = True

    Pages.answers["/"] = hang_up
    with fetcher(f"{pages}/") as fetch, pytest.raises(FetchError, match="RemoteDisconnected"):
        fetch.fetch(f"{pages}/")

    assert len(asked) == 1


def test_nothing_else_is_asked(pages: str) -> None:
    """A URI that is not allowed makes no connection at all."""
    with fetcher(f"{pages}/cats/") as fetch, pytest.raises(FetchError, match=r"service\.fetch\.allow"):
        fetch.fetch(f"{pages}/dogs/1.png")

    assert not Pages.connections


def test_redirects_are_checked_like_the_first_uri(pages: str) -> None:
    """Where it leads, not where it begins, is what is fetched."""
    Pages.answers["/in/first"] = lambda page: page.give(b"", 302, Location="/in/second")
    Pages.answers["/in/second"] = lambda page: page.give(b"payload")
    Pages.answers["/in/out"] = lambda page: page.give(b"", 301, Location="/out/secret")
    Pages.answers["/in/meta"] = lambda page: page.give(b"", 307, Location="http://169.254.169.254/latest/")
    Pages.answers["/in/file"] = lambda page: page.give(b"", 302, Location="file:///etc/passwd")
    with fetcher(f"{pages}/in/") as fetch:
        assert fetch.fetch(f"{pages}/in/first") == b"payload"
        for name in ("out", "meta", "file"):
            with pytest.raises(FetchError, match=r"service\.fetch\.allow"):
                fetch.fetch(f"{pages}/in/{name}")


def test_redirects_come_to_an_end(pages: str) -> None:
    """Three are followed."""
    Pages.answers["/"] = lambda page: page.give(b"", 302, Location="/")
    with fetcher(f"{pages}/") as fetch, pytest.raises(FetchError, match="redirected more than 3 times"):
        fetch.fetch(f"{pages}/")


@pytest.mark.parametrize("status", [204, 206, 304, 401, 404, 500])
def test_other_answers_are_no_payload(pages: str, status: int) -> None:
    """The status is told."""
    Pages.answers["/"] = lambda page: page.give(b"", status)
    with fetcher(f"{pages}/") as fetch, pytest.raises(FetchError, match=f"its server answers {status}"):
        fetch.fetch(f"{pages}/")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"what is no HTTP\r\n\r\n", "BadStatusLine: what is no HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "got more than 100 headers"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 0\r\n\r\n", "redirects to what is no URI"),
    ],
)
def test_server_that_answers_nonsense_is_told(pages: str, answer: bytes, told: str) -> None:
    """It is the server's fault, and not one of ours."""

    def answers(page: Pages) -> None:
        page.wfile.write(answer)

    Pages.answers["/"] = answers
    with fetcher(f"{pages}/") as fetch, pytest.raises(FetchError, match=told):
        fetch.fetch(f"{pages}/")


def test_announced_size_is_enough_to_refuse(pages: str) -> None:
    """Nothing of it is read."""
    Pages.answers["/"] = lambda page: page.give(b"x" * 1_001)
    with fetcher(f"{pages}/") as fetch, pytest.raises(FetchError, match=r"1001 bytes, at most 1000 .*most_bytes"):
        fetch.fetch(f"{pages}/")


def test_size_that_is_not_announced_is_counted(pages: str) -> None:
    """A body without an end is cut off."""

    def endless(page: Pages) -> None:
        page.send_response(200)
        page.send_header("Transfer-Encoding", "chunked")
        page.end_headers()
        try:
            while True:
                page.wfile.write(b"100\r\n" + b"x" * 256 + b"\r\n")
        except OSError:
            page.close_connection = True

    Pages.answers["/"] = endless
    with fetcher(f"{pages}/") as fetch, pytest.raises(FetchError, match="at most 1000 are fetched"):
        fetch.fetch(f"{pages}/")


def test_packed_body_is_refused(pages: str) -> None:
    """Unpacked it could be any size."""
    Pages.answers["/"] = lambda page: page.give(b"x", Content_Encoding="gzip")
    with fetcher(f"{pages}/") as fetch, pytest.raises(FetchError, match="packed"):
        fetch.fetch(f"{pages}/")


def test_body_that_ends_early_is_refused(pages: str) -> None:
    """Half an image may be decoded to something."""

    def half(page: Pages) -> None:
        page.give(b"half", Content_Length="8")
        page.close_connection = True

    Pages.answers["/"] = half
    with fetcher(f"{pages}/") as fetch, pytest.raises(FetchError, match="does not give it"):
        fetch.fetch(f"{pages}/")


@pytest.mark.parametrize("part", ["headers", "body"])
def test_server_that_drips_is_given_up(pages: str, part: str) -> None:
    """Each byte comes in time, all of them do not: the whole counts."""
    ending = threading.Event()

    def drip(page: Pages) -> None:
        page.wfile.write(b"HTTP/1.1 200 OK\r\n")
        if part == "body":
            page.wfile.write(b"Content-Length: 900\r\n\r\n")
        try:
            while not ending.wait(0.02):
                page.wfile.write(b"x")
        except OSError:
            page.close_connection = True

    Pages.answers["/"] = drip
    limits = Limits(most_bytes=1_000, timeout_s=0.2)
    with fetcher(f"{pages}/", limits=limits) as fetch, pytest.raises(FetchError, match=r"in time .*timeout_ms"):
        fetch.fetch(f"{pages}/")
    ending.set()


def test_server_that_says_nothing_is_given_up() -> None:
    """It took the connection, and that was it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        limits = Limits(most_bytes=1_000, timeout_s=0.1)
        with fetcher(address, limits=limits) as fetch, pytest.raises(FetchError, match=r"in time|timed out"):
            fetch.fetch(address)


def test_no_server_is_told() -> None:
    """With what the system says."""
    address = f"http://127.0.0.1:{free_port()}/"
    with fetcher(address) as fetch, pytest.raises(FetchError, match="refused"):
        fetch.fetch(address)


def test_checked_address_is_the_one_connected_to(pages: str) -> None:
    """A name that means another address a moment later changes nothing."""
    port = pages.rpartition(":")[2]
    allowed = [allowance(f"http://images.example:{port}/")]
    asked: list[str] = []

    def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["192.0.2.1"]

    hosts: list[str] = []

    def named(page: Pages) -> None:
        hosts.append(page.headers["Host"])
        page.give(b"payload")

    Pages.answers["/1.png"] = named
    http = HttpFetcher(allowed, 1_000, resolve=resolve)
    target = normal(f"http://images.example:{port}/1.png", allowed)

    assert http.fetch(target, time.monotonic() + LIMITS.timeout_s) == b"payload"
    assert (asked, hosts) == (["images.example"], [f"images.example:{port}"])
    http.close()


def test_host_without_address_is_told() -> None:
    """As is one whose address does not come in time."""
    allowed = [allowance("http://images.example/")]
    target = normal("http://images.example/1.png", allowed)

    def fail(host: str, _: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    http = HttpFetcher(allowed, 1_000, resolve=fail)
    with pytest.raises(Unfetched, match="has no address: gaierror"):
        http.fetch(target, time.monotonic() + LIMITS.timeout_s)
    http.close()


@pytest.mark.parametrize("host", ["a..example", f"{'a' * 70}.example"])
def test_names_that_no_host_can_have_are_told(host: str) -> None:
    """Python refuses to look them up, with an error that is about text."""
    with fetcher("https://") as fetch, pytest.raises(FetchError, match=r"has no address: UnicodeError"):
        fetch.fetch(f"https://{host}/")


def test_files_come_from_allowed_folders(tmp_path: Path) -> None:
    """And not by links that lead out of them."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"payload")
    (tmp_path / "secret").write_bytes(b"secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    with fetcher(f"{folder.as_uri()}/") as fetch:
        assert fetch.fetch(f"{folder.as_uri()}/1.png") == b"payload"
        with pytest.raises(FetchError, match="link that leads out"):
            fetch.fetch(f"{folder.as_uri()}/link")
        with pytest.raises(FetchError, match="no such file"):
            fetch.fetch(f"{folder.as_uri()}/2.png")


def test_files_have_the_same_bound(tmp_path: Path) -> None:
    """In bytes."""
    (tmp_path / "1.png").write_bytes(b"x" * 1_001)
    with fetcher(f"{tmp_path.as_uri()}/") as fetch, pytest.raises(FetchError, match="at most 1000 bytes"):
        fetch.fetch(f"{tmp_path.as_uri()}/1.png")


def test_other_stores_are_fsspec_s() -> None:
    """Those whose packages are installed."""
    import fsspec

    fsspec.filesystem("memory").pipe("/photos/1.png", b"payload")
    with fetcher("memory://photos/") as fetch:
        assert fetch.fetch("memory://photos/1.png") == b"payload"


def test_settings_are_checked_before_the_job_begins() -> None:
    """With the place that is wrong."""
    settings = Settings(service=ServiceSettings(fetch=FetchSettings(allow=("https://a@b/",))))

    with pytest.raises(SettingsError, match=r"service\.fetch\.allow has 'https://a@b/': it holds a user name"):
        Fetcher.of(settings)


def test_error_shows_no_signature() -> None:
    """URIs are signed in their query; dead letters are read by many."""
    with fetcher("https://images.example/") as fetch, pytest.raises(FetchError) as told:
        fetch.fetch("https://other.example/1.png?X-Signature=secret")

    assert "secret" not in str(told.value)
