"""Signs of life: what is told from them, and from their absence."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.control.messages import Message
from penstock.control.status import Sign, SignKind, Workers, parse

BEAT_MS = 1_000


def sign(worker: str = "a", state: SignKind = SignKind.ALIVE, **changes: object) -> Sign:
    """Return a sign of a worker that has document 7 of offset 3 in force."""
    plain = {
        "worker": worker,
        "deployable": "input_adapter",
        "host": "h",
        "pid": 1,
        "started_at": "2026-01-02T03:04:05.678Z",
        "state": state,
        "at": "2026-01-02T03:04:06.678Z",
        "version": 7,
        "offset": 3,
        "heartbeat_ms": BEAT_MS,
    }
    return Sign(**{**plain, **changes})  # type: ignore[arg-type]


def heard(*signs: tuple[int, Sign | bytes | None]) -> Workers:
    """Return what is known after these, each with its time."""
    workers = Workers()
    workers.hear(
        Message(value=one.encode() if isinstance(one, Sign) else one, published_ms=at, offset=offset)
        for offset, (at, one) in enumerate(signs)
    )
    return workers


def names(states: list[object]) -> list[str]:
    """Name the workers."""
    return [state.sign.worker for state in states]  # type: ignore[attr-defined]


def test_sign_comes_back_as_it_went() -> None:
    """What is written is read."""
    given_sign = sign(reasons=("ä",), weights={"iris": {"new": 12.5}}, verdict="rejected", offered=8)

    assert parse(given_sign.encode()) == given_sign


def test_sign_is_plain_json() -> None:
    """Anybody can read it; what there is nothing to say of is left out."""
    assert msgspec.json.decode(sign().encode()) == {
        "worker": "a",
        "deployable": "input_adapter",
        "host": "h",
        "pid": 1,
        "started_at": "2026-01-02T03:04:05.678Z",
        "state": "alive",
        "at": "2026-01-02T03:04:06.678Z",
        "version": 7,
        "offset": 3,
        "heartbeat_ms": 1000,
    }


@given(st.one_of(st.none(), st.binary(), st.text().map(str.encode)))
def test_strangers_messages_are_passed_over(value: bytes | None) -> None:
    """Whatever somebody else writes to the topic, those who read it go on."""
    assert parse(value) is None
    assert heard((0, value)).states == {}


def test_newer_fields_are_passed_over() -> None:
    """Workers of a later version may tell more."""
    assert parse(sign().encode()[:-1] + b',"mood":"good"}') == sign()


@pytest.mark.parametrize(
    ("age_ms", "state", "live"),
    [
        (0, SignKind.READY, True),
        (3 * BEAT_MS - 1, SignKind.ALIVE, True),
        (3 * BEAT_MS, SignKind.ALIVE, False),
        (0, SignKind.STOPPED, False),
        (-5, SignKind.APPLIED, True),
    ],
)
def test_worker_lives_while_its_last_sign_is_young(age_ms: int, state: SignKind, live: bool) -> None:  # noqa: FBT001
    """Three heartbeats of its own, unless it said good-bye; clocks may differ a little."""
    workers = heard((10_000, sign(state=state)))

    assert (names(workers.live(10_000 + age_ms)) == ["a"]) is live


def test_last_sign_counts() -> None:
    """Each worker has one state, by its own name."""
    workers = heard((0, sign("b", version=1)), (1, sign("a")), (2, sign("b", version=2)))

    assert {name: state.sign.version for name, state in workers.states.items()} == {"a": 7, "b": 2}


def test_who_owes_an_answer() -> None:
    """Those at work that have not seen the message: neither those that have, nor those that are gone."""
    workers = heard(
        (0, sign("gone", offset=1)),
        (9_000, sign("slow", offset=4)),
        (9_000, sign("done", offset=5, state=SignKind.REJECTED)),
        (9_000, sign("ahead", offset=6)),
        (9_000, sign("new", offset=None, version=None)),
        (9_000, sign("stopped", offset=4, state=SignKind.STOPPED)),
    )

    assert names(workers.silent(5, 9_500)) == ["new", "slow"]
