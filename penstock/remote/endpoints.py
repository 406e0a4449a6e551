"""The servers that are asked in turn: a connection and a breaker for each, and a thread that sees which are back.

It knows no transport: who makes an `Endpoints` says how to connect and how to ask a server whether it is well.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from penstock.logs import get_logger
from penstock.remote.breaker import Breaker, BreakerConfig, BreakerState, Permit
from penstock.remote.calls import BREAKER_OPEN, CLOSED, CallError, CallKind

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

__all__ = ["Connection", "EndpointState", "Endpoints", "EndpointsConfig"]

_log = get_logger(__name__)
#: A probe's call ends with its connection; whatever is left then ends with the process.
_JOIN_S = 1.0


class Connection(Protocol):
    """What is kept for each server as long as the client lives. Used by several threads."""

    def close(self) -> None:
        """End it and all calls on it, at once."""


_C = TypeVar("_C", bound=Connection)
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointsConfig:
    """How servers are watched."""

    breaker: BreakerConfig = field(default_factory=BreakerConfig)
    health_s: float = 5.0
    """A server that was not heard of for so long is asked whether it is well."""


class EndpointState(NamedTuple):
    """How one server is."""

    server: str
    """Host and port."""
    state: BreakerState
    open_s: float
    """Since when it is not asked, in seconds; 0 if it is."""
    why: str
    """What opened its breaker; empty if it is closed."""

    def __str__(self) -> str:
        if self.state is BreakerState.CLOSED:
            return f"server {self.server}: breaker closed"
        return f"server {self.server}: breaker {self.state} since {self.open_s:.0f} s: {self.why}"


class _Endpoint(Generic[_C]):
    def __init__(self, server: str, connection: _C, breaker: Breaker, now: float) -> None:
        self.server = server
        self.connection = connection
        self.breaker = breaker
        self.heard = now
        """When a call or a probe ended, whatever it told."""
        self.answered = now
        """When a call was answered."""


class Endpoints(Generic[_C]):
    """Servers that are the same to whoever asks. A call goes to the next one whose breaker is closed."""

    def __init__(
        self,
        servers: Sequence[str],
        connect: Callable[[str], _C],
        probe: Callable[[_C], None],
        config: EndpointsConfig | None = None,
        *,
        on_change: Callable[[Sequence[EndpointState]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make the connections; `start` begins to watch them.

        Args:
            servers: hosts and ports.
            connect: makes a connection, without waiting for the server.
            probe: asks a server whether it is well; raises `CallError`. Of a kind other than ``RETRY`` it is an answer.
            config: see there.
            on_change: called with all states when one has changed, by whichever thread found out; must not wait.
            clock: in seconds, only forward.
        """
        config = config or EndpointsConfig()
        now = clock()
        self._all = [_Endpoint(server, connect(server), Breaker(config.breaker), now) for server in servers]
        self._probe = probe
        self._config = config
        self._on_change = on_change
        self._clock = clock
        self._next = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._all)

    def start(self) -> None:
        """Begin to watch the servers beside the calls."""
        self._thread = threading.Thread(target=self._watch, name="penstock-endpoints", daemon=True)
        self._thread.start()

    def call(self, do: Callable[[_C], _R], avoid: Collection[str] = ()) -> _R:
        """Ask one server, once.

        Args:
            do: asks by a connection; raises `CallError`.
            avoid: servers that were asked already: they come last.

        Raises:
            CallError: the server's, or of code ``BREAKER_OPEN`` or ``CLOSED`` if none was asked.
        """
        endpoint, permit = self._taken(avoid)
        try:
            answer = do(endpoint.connection)
        except CallError as error:
            self._told(endpoint, permit, error)
            raise
        except BaseException:
            self._report(endpoint, lambda breaker, now: breaker.abandoned(permit, now))
            raise
        self._told(endpoint, permit, None)
        return answer

    def wait(self, deadline: float) -> bool:
        """Wait until one of them may be asked.

        Args:
            deadline: by the clock.

        Returns:
            Whether one may. False: the time is over, or the client is closed.
        """
        with self._changed:
            while not self._closing.is_set():
                if any(endpoint.breaker.state is BreakerState.CLOSED for endpoint in self._all):
                    return True
                left = deadline - self._clock()
                if left <= 0:
                    return False
                # What overflows C's clock is no deadline.
                self._changed.wait(min(left, threading.TIMEOUT_MAX))
        return False

    def pause(self, seconds: float) -> None:
        """Sleep, unless the client is closed."""
        self._closing.wait(seconds)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closing.is_set()

    def states(self) -> list[EndpointState]:
        """Tell how each is, in the order in which they were given."""
        with self._changed:
            return self._states()

    def tend(self) -> None:
        """Ask those whose time has come whether they are well; what the thread of `start` does over and over."""
        since = self._clock()
        for endpoint, permit in self._due():
            if self._closing.is_set():
                return
            error = self._ailment(endpoint)
            why = "" if error is None else str(CallError(error.code, error.details))

            def report(
                breaker: Breaker,
                now: float,
                permit: Permit | None = permit,
                why: str = why,
                endpoint: _Endpoint[_C] = endpoint,
            ) -> None:
                if permit is None:
                    # Calls that were answered meanwhile know better: health checks may be all that fails there.
                    if why and endpoint.answered < since:
                        breaker.trip(now, why)
                elif why:
                    breaker.failed(permit, now, why)
                else:
                    breaker.succeeded(permit)

            self._report(endpoint, report)

    def close(self) -> None:
        """End all connections, whoever uses or waits for them."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        for endpoint in self._all:
            endpoint.connection.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)

    def _taken(self, avoid: Collection[str]) -> tuple[_Endpoint[_C], Permit]:
        with self._changed:
            if self._closing.is_set():
                raise CallError(CLOSED, "the client is closed: its worker ends")
            now = self._clock()
            # Only closed ones: probes are not made of rows, the watching thread makes them.
            closed = [one for one in self._in_turn() if one.breaker.state is BreakerState.CLOSED]
            for endpoint in sorted(closed, key=lambda one: one.server in avoid):
                permit = endpoint.breaker.allows(now)
                if permit is not None:
                    self._next = self._all.index(endpoint) + 1
                    return endpoint, permit
            raise CallError(BREAKER_OPEN, "; ".join(str(state) for state in self._states()))

    def _in_turn(self) -> list[_Endpoint[_C]]:
        at = self._next % len(self._all)
        return [*self._all[at:], *self._all[:at]]

    def _told(self, endpoint: _Endpoint[_C], permit: Permit, error: CallError | None) -> None:
        if error is None or error.kind is not CallKind.RETRY:

            def answered(breaker: Breaker, now: float) -> None:
                breaker.succeeded(permit)
                endpoint.answered = now

            self._report(endpoint, answered)
        elif not self._closing.is_set():
            why = str(CallError(error.code, error.details))
            self._report(endpoint, lambda breaker, now: breaker.failed(permit, now, why))

    def _ailment(self, endpoint: _Endpoint[_C]) -> CallError | None:
        try:
            self._probe(endpoint.connection)
        except CallError as error:
            return error if error.kind is CallKind.RETRY else None
        except Exception as error:  # noqa: BLE001 (the watching thread must outlive what nobody foresaw)
            return CallError("INTERNAL", f"{type(error).__name__}: {error}")
        return None

    def _report(self, endpoint: _Endpoint[_C], report: Callable[[Breaker, float], None]) -> None:
        breaker = endpoint.breaker
        with self._changed:
            now = self._clock()
            before, was = breaker.state, self._state(endpoint, now)
            report(breaker, now)
            endpoint.heard = now
            if breaker.state is before:
                return
            states = self._states()
            self._changed.notify_all()
        if breaker.state is BreakerState.CLOSED:
            _log.info("server is back", server=endpoint.server, away_s=round(was.open_s, 1))
        elif before is BreakerState.CLOSED:
            _log.warning("server is away: its breaker is open", server=endpoint.server, why=breaker.why)
        self._publish(states)

    def _publish(self, states: list[EndpointState]) -> None:
        if self._on_change is None or self._closing.is_set():
            return
        try:
            self._on_change(states)
        except Exception:  # noqa: BLE001 (who wants to know must not cost the call)
            _log.exception("telling of servers failed")

    def _states(self) -> list[EndpointState]:
        now = self._clock()
        return [self._state(endpoint, now) for endpoint in self._all]

    def _state(self, endpoint: _Endpoint[_C], now: float) -> EndpointState:
        breaker = endpoint.breaker
        open_s = 0.0 if breaker.since is None else now - breaker.since
        return EndpointState(endpoint.server, breaker.state, open_s, breaker.why)

    def _due(self) -> list[tuple[_Endpoint[_C], Permit | None]]:
        """Return whom to ask now: open ones whose back-off is over, and closed ones that were long not heard of."""
        with self._changed:
            now = self._clock()
            found: list[tuple[_Endpoint[_C], Permit | None]] = []
            for endpoint in self._all:
                if endpoint.breaker.state is BreakerState.CLOSED:
                    if now - endpoint.heard >= self._config.health_s:
                        found.append((endpoint, None))
                elif (permit := endpoint.breaker.allows(now)) is not None:
                    found.append((endpoint, permit))
            return found

    def _watch(self) -> None:
        while not self._closing.is_set():
            self.tend()
            with self._changed:
                if not self._closing.is_set():
                    self._changed.wait(max(0.0, self._until_due()))

    def _until_due(self) -> float:
        dues = [
            endpoint.heard + self._config.health_s
            if endpoint.breaker.state is BreakerState.CLOSED
            else endpoint.breaker.due
            for endpoint in self._all
        ]
        return min(dues) - self._clock()
