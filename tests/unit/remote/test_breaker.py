"""The breaker, held to a plain account of what it has been told."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from penstock.remote.breaker import Breaker, BreakerConfig, BreakerState, Permit

CONFIG = BreakerConfig(failures=3, last=6, share=0.5, least_s=1.0, most_s=4.0)


def breaker(chance: float = 0.999999) -> Breaker:
    """A breaker whose back-off is (nearly) the whole of it."""
    return Breaker(CONFIG, lambda: chance)


def broken(now: float = 0.0) -> Breaker:
    """One that has just opened."""
    found = breaker()
    for _ in range(CONFIG.failures):
        found.failed(leave(found, now), now, "UNAVAILABLE: gone")
    return found


def leave(found: Breaker, now: float) -> Permit:
    """A permit, which must be given."""
    permit = found.allows(now)
    assert permit is not None
    return permit


def test_opens_after_failures_in_a_row() -> None:
    """So many as are configured, with the last one's reason; nobody gets through then."""
    found = broken(now=7.0)

    assert (found.state, found.since, found.why) == (BreakerState.OPEN, 7.0, "UNAVAILABLE: gone")
    assert found.allows(7.4) is None


def test_opens_when_too_many_fail_in_between() -> None:
    """Never three in a row, and yet more than half of the last six."""
    found = breaker()
    for bad in (True, True, False, True, True):
        permit = leave(found, 0.0)
        if bad:
            found.failed(permit, 0.0, "slow")
        else:
            found.succeeded(permit)
    found.succeeded(leave(found, 0.0))
    assert found.state is BreakerState.CLOSED  # four of six, but it is looked at when one fails

    found.failed(leave(found, 0.0), 0.0, "slow")
    assert found.state is BreakerState.OPEN


def test_single_probe_decides() -> None:
    """While it is out nobody else gets through; its answer closes the breaker, and forgets the past."""
    found = broken()
    probe = leave(found, 1.0)

    assert (probe.probe, found.state, found.allows(9.0)) == (True, BreakerState.HALF_OPEN, None)
    found.succeeded(probe)
    assert (found.state, found.since, found.why) == (BreakerState.CLOSED, None, "")
    found.failed(leave(found, 9.0), 9.0, "again")
    assert found.state is BreakerState.CLOSED


def test_each_failed_probe_doubles_the_back_off() -> None:
    """Up to the longest; since when it is open stays."""
    found = broken()
    pauses = []
    now = found.due
    for _ in range(4):
        found.failed(leave(found, now), now, "UNAVAILABLE: still gone")
        pauses.append(round(found.due - now, 3))
        now = found.due

    assert pauses == [2.0, 4.0, 4.0, 4.0]
    assert (found.since, found.why) == (0.0, "UNAVAILABLE: still gone")


def test_back_off_begins_anew_with_a_call_that_is_answered() -> None:
    """Not with a probe: a server that answers probes and nothing else is left alone longer and longer."""
    found = broken()
    found.succeeded(leave(found, 1.0))
    for _ in range(CONFIG.failures):
        found.failed(leave(found, 2.0), 2.0, "UNAVAILABLE: again")
    assert round(found.due, 3) == 4.0

    found.succeeded(leave(found, 4.0))
    found.succeeded(leave(found, 4.0))
    for _ in range(CONFIG.failures):
        found.failed(leave(found, 5.0), 5.0, "UNAVAILABLE: again")
    assert round(found.due, 3) == 6.0


def test_chance_shortens_the_back_off_by_half_at_most() -> None:
    """Workers that lose a server together do not all probe together."""
    found = breaker(chance=0.0)
    found.trip(10.0, "not well")

    assert found.due == 10.5


def test_late_news_counts_for_nothing() -> None:
    """Calls that were under way when it opened tell of a time that is over."""
    found = breaker()
    late = [leave(found, 0.0) for _ in range(5)]
    for permit in late[:3]:
        found.failed(permit, 0.0, "UNAVAILABLE: gone")
    due = found.due
    found.failed(late[3], 0.5, "UNAVAILABLE: gone")
    found.succeeded(late[4])

    assert (found.state, found.due) == (BreakerState.OPEN, due)


def test_probe_that_says_nothing_is_made_again_at_once() -> None:
    """Its caller was ended in the middle of it."""
    found = broken()
    found.abandoned(leave(found, 1.0), 1.0)

    assert leave(found, 1.0).probe


def test_failed_health_check_opens_at_once() -> None:
    """A server that nobody calls is no worse off than a busy one."""
    found = breaker()
    found.trip(3.0, "UNAVAILABLE: not ready")

    assert (found.state, found.since, found.why) == (BreakerState.OPEN, 3.0, "UNAVAILABLE: not ready")


class Account(RuleBasedStateMachine):
    """All that was told since it closed last, and what follows from it by the rules, computed anew each time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = breaker(chance=0.0)  # back-offs are half of their length
        self.told: list[bool] = []
        self.is_open = False
        self.probing = False
        self.due = 0.0
        self.delay = CONFIG.least_s
        self.era = 0
        self.out: list[tuple[Permit, int]] = []

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0]))
    def time_passes(self, seconds: float) -> None:
        """The clock goes on."""
        self.now += seconds

    @rule()
    def call_begins(self) -> None:
        """Somebody asks for leave."""
        permit = self.breaker.allows(self.now)
        probes = self.is_open and not self.probing and self.now >= self.due
        assert (permit is not None) == (not self.is_open or probes)
        if permit is not None:
            assert permit.probe == probes
            self.probing |= probes
            self.out.append((permit, self.era))

    @rule(which=st.randoms(use_true_random=False), good=st.booleans())
    def call_ends(self, which: object, good: bool) -> None:  # noqa: FBT001 (hypothesis hands it in by name)
        """One of the calls under way tells."""
        if not self.out:
            return
        permit, era = self.out.pop(which.randrange(len(self.out)))  # type: ignore[attr-defined]
        if good:
            self.breaker.succeeded(permit)
        else:
            self.breaker.failed(permit, self.now, "why")
        if era != self.era:
            return
        if permit.probe:
            self._probed(good=good)
            return
        self.told.append(good)
        if good:
            self.delay = CONFIG.least_s
        last = self.told[-CONFIG.last :]
        too_many = len(last) == CONFIG.last and last.count(False) > CONFIG.last * CONFIG.share
        if not good and (self.told[-CONFIG.failures :] == [False] * CONFIG.failures or too_many):
            self._opens()

    def _probed(self, *, good: bool) -> None:
        self.probing = False
        if not good:
            self._opens()
            return
        self.is_open, self.told = False, []
        self.era += 1

    def _opens(self) -> None:
        self.is_open, self.due = True, self.now + self.delay / 2
        self.delay = min(self.delay * 2, CONFIG.most_s)
        self.era += 1

    @invariant()
    def is_as_the_account_says(self) -> None:
        """At any time."""
        expected = BreakerState.CLOSED
        if self.is_open:
            expected = BreakerState.HALF_OPEN if self.probing else BreakerState.OPEN
        assert self.breaker.state is expected
        assert (self.breaker.since is None) == (not self.is_open)
        if self.is_open:
            assert self.breaker.due == pytest.approx(self.due)


TestAccount = Account.TestCase
