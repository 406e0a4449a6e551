"""Servers in turn: who is asked, who is left alone, who is waited for. Time stands still unless a test moves it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.local.waiting import wait_until
from penstock.remote.breaker import BreakerConfig, BreakerState
from penstock.remote.calls import CallError
from penstock.remote.endpoints import Endpoints, EndpointsConfig, EndpointState
from penstock.remote.retrying import RetryConfig, attempted

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIG = EndpointsConfig(breaker=BreakerConfig(failures=2, least_s=1.0, most_s=4.0), health_s=5.0)
PATIENCE_S = 60.0


class Wire:
    """A connection that answers as the test says."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.closed = False

    def close(self) -> None:
        """End."""
        self.closed = True


class Servers:
    """Servers, some of them away, and a clock."""

    def __init__(self, *names: str) -> None:
        self.away: set[str] = set()
        self.asked: list[str] = []
        self.probed: list[str] = []
        self.now = 100.0
        self.changes: list[list[BreakerState]] = []
        self.endpoints: Endpoints[Wire] = Endpoints(
            names, Wire, self.probe, CONFIG, on_change=self.changed, clock=lambda: self.now
        )

    def probe(self, wire: Wire) -> None:
        """Whether it is well."""
        self.probed.append(wire.server)
        if wire.server in self.away:
            raise CallError("UNAVAILABLE", "not well", server=wire.server)

    def ask(self, wire: Wire) -> str:
        """A call."""
        self.asked.append(wire.server)
        if wire.server in self.away:
            raise CallError("UNAVAILABLE", "gone", server=wire.server)
        return wire.server

    def changed(self, states: Sequence[EndpointState]) -> None:
        """Keep what is told."""
        self.changes.append([state.state for state in states])

    def call(self, times: int = 1, code: str = "UNAVAILABLE|BREAKER_OPEN") -> None:
        """Ask so often, whatever comes of it."""
        for _ in range(times):
            try:
                self.endpoints.call(self.ask)
            except CallError as error:
                assert error.code in code.split("|")  # noqa: PT017 (only where it fails)


@given(st.integers(1, 6), st.sets(st.integers(0, 5)), st.integers(1, 60))
def test_each_that_is_there_is_asked_as_often_as_others(size: int, away: set[int], calls: int) -> None:
    """To one call, whichever are away."""
    names = [f"s{number}" for number in range(size)]
    servers = Servers(*names)
    servers.away = {f"s{number}" for number in away if number < size}
    servers.call(3 * size)
    servers.asked.clear()

    servers.call(calls)

    counts = Counter(servers.asked)
    there = [counts[name] for name in names if name not in servers.away]
    assert sum(there) == (calls if there else 0)
    assert not there or max(there) - min(there) <= 1
    assert set(counts) <= set(names) - servers.away


def test_nobody_is_asked_where_nobody_answers() -> None:
    """The error tells of each server why, and since when."""
    servers = Servers("a", "b")
    servers.away = {"a", "b"}
    servers.call(4)
    servers.now += 12

    with pytest.raises(
        CallError, match="server a: breaker open since 12 s: UNAVAILABLE: gone; server b: breaker open since 12 s"
    ):
        servers.endpoints.call(servers.ask)
    assert len(servers.asked) == 4


def test_those_that_were_asked_already_come_last() -> None:
    """A further attempt goes elsewhere, if there is anywhere else."""
    servers = Servers("a", "b", "c")

    assert [servers.endpoints.call(servers.ask, {"a", "b"}) for _ in range(2)] == ["c", "c"]
    assert servers.endpoints.call(servers.ask, {"a", "b", "c"}) in {"a", "b", "c"}


def test_probe_is_made_beside_the_calls() -> None:
    """After its back-off, once; only when it is good do calls go there again."""
    servers = Servers("a", "b")
    servers.away = {"a"}
    servers.call(4)
    servers.endpoints.tend()
    assert servers.probed == []

    servers.now += 1
    servers.endpoints.tend()
    servers.endpoints.tend()
    assert servers.probed == ["a"]
    servers.away.clear()
    servers.now += 2
    servers.asked.clear()
    servers.call(2)
    assert servers.asked == ["b", "b"]
    servers.endpoints.tend()
    servers.call(2)

    assert sorted(servers.asked[2:]) == ["a", "b"]
    assert servers.changes == [
        [BreakerState.OPEN, BreakerState.CLOSED],
        [BreakerState.OPEN, BreakerState.CLOSED],
        [BreakerState.CLOSED, BreakerState.CLOSED],
    ]


def test_server_that_is_not_called_is_asked_whether_it_is_well() -> None:
    """One that is not is found before a row is sent there; one that answers calls needs no question."""
    servers = Servers("a", "b")
    servers.away = {"a"}
    servers.now += 4
    servers.endpoints.call(servers.ask, {"a"})
    servers.now += 1
    servers.endpoints.tend()

    assert servers.probed == ["a"]
    assert [str(state) for state in servers.endpoints.states()] == [
        "server a: breaker open since 0 s: UNAVAILABLE: not well",
        "server b: breaker closed",
    ]


def test_server_that_answers_a_probe_with_an_error_is_there() -> None:
    """It does not know the model that it is asked for: it lives."""
    servers = Servers("a")

    def probe(wire: Wire) -> None:
        raise CallError("NOT_FOUND", "no such model", server=wire.server)

    servers.endpoints._probe = probe
    servers.now += 5
    servers.endpoints.tend()

    assert servers.endpoints.states()[0].state is BreakerState.CLOSED


def test_server_that_answers_calls_while_a_probe_fails_is_there() -> None:
    """They know better; it is asked again when nothing was heard of it for as long."""
    servers = Servers("a")

    def probe(wire: Wire) -> None:
        servers.now += 1
        servers.call()
        servers.now += 1
        raise CallError("DEADLINE_EXCEEDED", "too late", server=wire.server)

    servers.endpoints._probe = probe
    servers.now += 5
    servers.endpoints.tend()
    assert servers.asked == ["a"]
    assert servers.endpoints.states()[0].state is BreakerState.CLOSED

    servers.away = {"a"}
    servers.now += 5
    servers.endpoints.tend()
    assert servers.asked == ["a", "a"]
    assert servers.endpoints.states()[0].state is BreakerState.OPEN


def test_probe_with_a_bug_ends_nothing() -> None:
    """It counts as a failure, and the thread goes on."""
    servers = Servers("a")
    servers.endpoints._probe = lambda wire: 1 / len(wire.server[1:])  # type: ignore[assignment, return-value]
    servers.now += 5
    servers.endpoints.tend()

    assert "ZeroDivisionError" in servers.endpoints.states()[0].why


def test_call_that_is_cut_off_counts_for_nothing() -> None:
    """The server is not to blame for what happens here."""
    servers = Servers("a")

    def ask(wire: Wire) -> None:
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            servers.endpoints.call(ask)
    assert servers.endpoints.states()[0].state is BreakerState.CLOSED


def test_listener_that_fails_costs_nobody_the_call(caplog: pytest.LogCaptureFixture) -> None:
    """What it is told it can read in the states, too."""
    servers = Servers("a")
    servers.endpoints._on_change = lambda _: 1 / 0  # type: ignore[assignment, return-value]
    servers.away = {"a"}
    servers.call(3)

    assert servers.endpoints.states()[0].state is BreakerState.OPEN
    assert "telling of servers failed" in caplog.text


def waiting(endpoints: Endpoints[Wire], deadline: float) -> tuple[threading.Thread, list[bool]]:
    """Somebody who waits, and what comes of it."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(endpoints.wait(deadline)))
    thread.start()
    return thread, found


def test_waits_for_any_of_them() -> None:
    """At once if one is there, else until one comes back."""
    servers = Servers("a", "b")
    servers.away = {"a", "b"}
    assert servers.endpoints.wait(servers.now)
    servers.call(4)
    assert not servers.endpoints.wait(servers.now)

    thread, found = waiting(servers.endpoints, servers.now + 600)
    servers.away = {"a"}
    servers.now += 1
    servers.endpoints.tend()
    thread.join(PATIENCE_S)

    assert found == [True]


def test_close_ends_waiting_and_asking() -> None:
    """All connections end, nobody is asked any more, and nobody waits in vain."""
    servers = Servers("a")
    wires: list[Wire] = []
    servers.endpoints.call(wires.append)
    servers.away = {"a"}
    servers.call(2)
    thread, found = waiting(servers.endpoints, float("inf"))
    servers.endpoints.close()
    thread.join(PATIENCE_S)

    assert (found, wires[0].closed) == ([False], True)
    with pytest.raises(CallError, match="CLOSED: the client is closed"):
        servers.endpoints.call(servers.ask)


def test_watching_goes_on_by_itself() -> None:
    """With a real clock: a server that is back is found without anybody asking."""
    away = threading.Event()
    away.set()

    def probe(wire: Wire) -> None:
        if away.is_set():
            raise CallError("UNAVAILABLE", "not well")

    config = EndpointsConfig(breaker=BreakerConfig(least_s=0.01, most_s=0.02), health_s=0.01)
    endpoints: Endpoints[Wire] = Endpoints(["a"], Wire, probe, config)
    endpoints.start()
    try:
        deadline = time.monotonic() + PATIENCE_S
        while endpoints.states()[0].state is BreakerState.CLOSED:
            assert time.monotonic() < deadline
        away.clear()
        assert endpoints.wait(deadline)
    finally:
        endpoints.close()
    # Closing waits a moment for the thread, which a busy machine may not let end in that.
    assert wait_until(
        lambda: not any(thread.name == "penstock-endpoints" for thread in threading.enumerate()), PATIENCE_S, 0.01
    )


class Script:
    """Codes to fail with, one call after the other, and the pauses between the calls."""

    def __init__(self, *codes: str, servers: int = 1) -> None:
        self.codes = list(codes)
        self.pauses: list[float] = []
        self.asked: list[str] = []
        self.now = 0.0
        self.timeouts: list[float] = []
        config = EndpointsConfig(breaker=BreakerConfig(failures=100))
        self.endpoints: Endpoints[Wire] = Endpoints(
            [f"s{number}" for number in range(servers)], Wire, lambda _: None, config, clock=lambda: self.now
        )
        self.endpoints.pause = self.pause  # type: ignore[method-assign]

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.now += seconds

    def ask(self, wire: Wire, timeout_s: float) -> str:
        """Fail as the script says, then answer."""
        self.asked.append(wire.server)
        self.timeouts.append(timeout_s)
        if self.codes:
            raise CallError(self.codes.pop(0), "as told", server=wire.server)
        return "answer"

    def run(self, attempts: int = 4, until: float = float("inf")) -> str:
        """Call."""
        config = RetryConfig(attempts=attempts, timeout_s=2.0, first_s=0.1, most_s=0.3)
        return attempted(self.endpoints, self.ask, config, until, clock=lambda: self.now)


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"])
def test_three_codes_are_tried_again(code: str) -> None:
    """Up to the last attempt, with pauses that grow and are cut."""
    script = Script(*[code] * 3)

    assert script.run() == "answer"
    assert len(script.pauses) == 3
    assert all(0 <= pause <= most for pause, most in zip(script.pauses, (0.1, 0.2, 0.3), strict=True))
    with pytest.raises(CallError, match=code):
        Script(*[code] * 4).run()


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "INTERNAL", "UNKNOWN", "CANCELLED", "UNIMPLEMENTED", "CLOSED"])
def test_others_are_not(code: str) -> None:
    """The first answer stands."""
    script = Script(code)
    with pytest.raises(CallError, match=code):
        script.run()

    assert len(script.asked) == 1


def test_further_attempts_go_elsewhere() -> None:
    """As long as there are servers that were not asked."""
    script = Script("UNAVAILABLE", "UNAVAILABLE", servers=3)
    script.run()

    assert len(set(script.asked)) == 3


def test_model_that_is_absent_is_asked_for_everywhere_at_once() -> None:
    """Once at each server, without a pause."""
    script = Script("NOT_FOUND", "NOT_FOUND", servers=3)
    assert script.run() == "answer"
    assert (len(set(script.asked)), script.pauses) == (3, [])

    nowhere = Script(*["NOT_FOUND"] * 3, servers=3)
    with pytest.raises(CallError, match="NOT_FOUND"):
        nowhere.run()
    assert len(nowhere.asked) == 3


def test_no_attempt_outlasts_the_rows() -> None:
    """The last one has what time is left; none begins after it, nor a pause that would end after it."""
    script = Script(*["UNAVAILABLE"] * 100)
    script.endpoints.pause = lambda _: setattr(script, "now", script.now + 0.75)  # type: ignore[method-assign]
    with pytest.raises(CallError, match=r"UNAVAILABLE|no time left"):
        script.run(attempts=100, until=2.5)

    assert script.timeouts == [2.0, 1.75, 1.0, 0.25]
