"""Payloads from web servers: each redirect is checked anew, and the address that was checked is the one connected to.

A name that means another address a moment later, a server that drips, and one that redirects inside are what this is
against.
"""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Self, TypeAlias
from urllib.parse import urljoin

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError

from jobs.service_job.allowing import checked_addresses, normal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from urllib3.response import BaseHTTPResponse

    from jobs.service_job.allowing import Allowed, Target

__all__ = ["HttpFetcher", "Unfetched"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 3
_OK = 200
_CHUNK = 1 << 16
_MOST_IDLE = 16
#: As they come: what is sent packed could be any size unpacked.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "penstock"}
_RESOLVERS = 4
_MOST_SHOWN = 200
_LATE = "it did not come in time (service.fetch.timeout_ms)"

_Key: TypeAlias = tuple[object, ...]
"""Scheme, host, port and address of a connection."""


class Unfetched(Exception):  # noqa: N818 (never leaves the job: it becomes a FetchError)
    """A payload that did not come, and why."""


class HttpFetcher:
    """Fetches by http and https, without proxies and without credentials; for any number of threads."""

    def __init__(
        self,
        allowed: Sequence[Allowed],
        most_bytes: int,
        clock: Callable[[], float] = time.monotonic,
        resolve: Callable[[str, int], Sequence[str]] | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            allowed: what redirects are checked by.
            most_bytes: of one payload.
            clock: seconds, as `time.monotonic`.
            resolve: gives a host's addresses; None: the system's way.
        """
        self._allowed = allowed
        self._most_bytes = most_bytes
        self._clock = clock
        self._resolve = _addresses if resolve is None else resolve
        self._resolvers = ThreadPoolExecutor(_RESOLVERS, "resolve")
        self._lock = threading.Lock()
        self._idle: list[tuple[_Key, HTTPConnection]] = []

    def fetch(self, target: Target, deadline: float) -> bytes:
        """Return the payload, until ``deadline`` by the clock. Raises `Unfetched`, or `Refused` after a redirect."""
        for _ in range(_MOST_REDIRECTS + 1):
            found = self._get(target, deadline)
            if isinstance(found, bytes):
                return found
            target = normal(_joined(target.uri, found), self._allowed)
        raise Unfetched(f"it is redirected more than {_MOST_REDIRECTS} times")

    def close(self) -> None:
        """Close what is kept open."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    def _get(self, target: Target, deadline: float) -> bytes | str:
        """Return the payload, or where it is said to be instead.

        A server may end a connection that was idle in the very moment in which it is asked again, and says nothing
        then: it is asked once more, by a new connection (RFC 9110, section 9.2.2).
        """
        addresses = checked_addresses(target, self._found(target, deadline))
        key = (target.scheme, target.host, target.port, addresses[0])
        idle = self._taken(key)
        if idle is not None:
            with suppress(ConnectionError):
                return self._asked(key, idle, target, deadline)
        try:
            return self._asked(key, _made(target, addresses[0]), target, deadline)
        except ConnectionError as error:
            raise Unfetched(f"its server does not give it: {_said(error)}") from error

    def _asked(self, key: _Key, connection: HTTPConnection, target: Target, deadline: float) -> bytes | str:
        """Ask by a connection, and keep it. Raises `ConnectionError` where it ended before anything came."""
        with _Watch(connection, deadline - self._clock()) as watch:
            try:
                response = self._ask(connection, target, deadline, watch)
                found = self._read(response)
            except (HTTPError, HTTPException, OSError, ValueError) as error:
                connection.close()
                if isinstance(error, ConnectionError) and not watch.over:
                    raise
                late = watch.over or _timed_out(error)  # whichever clock was quicker
                raise Unfetched(_LATE if late else f"its server does not give it: {_said(error)}") from error
            except BaseException:
                connection.close()
                raise
        if watch.over:  # a body without a length ends where the connection was cut
            connection.close()
            raise Unfetched(_LATE)
        self._keep(key, connection)
        return found

    def _found(self, target: Target, deadline: float) -> Sequence[str]:
        """The addresses of a host; the system's resolver knows no time limit."""
        host = target.host.strip("[]")
        asked = self._resolvers.submit(self._resolve, host, target.port or 0)
        try:
            found = asked.result(max(0.0, deadline - self._clock()))
        except TimeoutError as error:
            asked.cancel()  # where it has not begun: those that nobody waits for would hold up the others
            raise Unfetched("the address of its host was not found in time (service.fetch.timeout_ms)") from error
        except (OSError, UnicodeError) as error:  # names with empty parts, or too long ones, are no text to Python
            raise Unfetched(f"its host {host!r} has no address: {_said(error)}") from error
        if not found:
            raise Unfetched(f"its host {host!r} has no address")
        return found

    def _taken(self, key: _Key) -> HTTPConnection | None:
        """Return an idle connection to this very address, if there is one.

        Servers end connections that are idle for longer than they like, without a word: those are not used again.
        """
        with self._lock:
            mine = [each for each in self._idle if each[0] == key]
            self._idle = [each for each in self._idle if each[0] != key]
            alive = [each for each in mine if each[1].is_connected]
            self._idle += alive[:-1]
        for each in mine:
            if each not in alive:
                each[1].close()
        return alive[-1][1] if alive else None

    def _keep(self, key: _Key, connection: HTTPConnection) -> None:
        oldest = None
        with self._lock:
            self._idle.append((key, connection))
            if len(self._idle) > _MOST_IDLE:
                _, oldest = self._idle.pop(0)
        if oldest is not None:
            oldest.close()

    def _ask(self, connection: HTTPConnection, target: Target, deadline: float, watch: _Watch) -> BaseHTTPResponse:
        left = max(0.001, deadline - self._clock())
        default = {"http": 80, "https": 443}[target.scheme]
        headers = {**_HEADERS, "Host": target.host if target.port == default else f"{target.host}:{target.port}"}
        connection.timeout = left
        if connection.sock is not None:
            connection.sock.settimeout(left)
        else:
            connection.connect()
            if watch.over:  # before there was anything to cut
                raise TimeoutError
        connection.request("GET", target.request, headers=headers, preload_content=False, decode_content=False)
        return connection.getresponse()

    def _read(self, response: BaseHTTPResponse) -> bytes | str:
        if response.status in _REDIRECTS and response.headers.get("Location"):
            self._drain(response)
            return response.headers["Location"]
        if response.status != _OK:
            raise Unfetched(f"its server answers {response.status} {response.reason or ''}".rstrip())
        packed = response.headers.get("Content-Encoding", "identity")
        if packed.lower() != "identity":
            raise Unfetched(f"its server sends it packed ({packed[:20]!r}), which was not asked for")
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal():
            self._refuse_large(int(announced))
        return self._drain(response)

    def _drain(self, response: BaseHTTPResponse) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while chunk := response.read1(_CHUNK):
            size += len(chunk)
            self._refuse_large(size)
            chunks.append(chunk)
        return b"".join(chunks)

    def _refuse_large(self, size: int) -> None:
        if size > self._most_bytes:
            raise Unfetched(
                f"it has at least {size} bytes, at most {self._most_bytes} are fetched (service.fetch.most_bytes)"
            )


class _Watch:
    """Cuts a connection when its time is over: a server that sends a byte a second never meets a limit of its own."""

    def __init__(self, connection: HTTPConnection, left_s: float) -> None:
        self._connection = connection
        self._timer = threading.Timer(max(0.001, left_s), self._cut)
        self._timer.daemon = True
        self._ending = threading.Lock()
        self._done = False
        self.over = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._ending:
            self._done = True
        self._timer.cancel()

    def _cut(self) -> None:
        with self._ending:
            if self._done:
                return
            self.over = True
            held: Any = self._connection.sock
            if held is not None:
                with suppress(OSError):  # closed in between
                    held.shutdown(socket.SHUT_RDWR)


def _made(target: Target, address: str) -> HTTPConnection:
    host = target.host.strip("[]")
    if target.scheme == "https":
        return HTTPSConnection(address, target.port, server_hostname=host, assert_hostname=host)
    return HTTPConnection(address, target.port)


def _joined(uri: str, found: str) -> str:
    try:
        return urljoin(uri, found)
    except ValueError as error:
        raise Unfetched(f"its server redirects to what is no URI: {_said(error)}") from error


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


def _timed_out(error: BaseException) -> bool:
    """Tell a socket's own limit from what else the library calls a timeout: a connection that is refused."""
    late = isinstance(error, TimeoutError | ConnectTimeoutError | ReadTimeoutError)
    return late and not isinstance(error, NewConnectionError)


def _said(error: BaseException) -> str:
    text = " ".join(str(error).split())[:_MOST_SHOWN]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
