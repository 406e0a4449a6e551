"""What workers say of their models, and what is heard of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.control import status
from penstock.control.announcer import identify
from penstock.control.messages import Message
from penstock.control.model_signs import HeardModels, ModelSign, ModelsSign, ModelsStanding, parse, sign_of
from penstock.models.catalog_events import State

AT = "2026-01-02T03:04:05.678Z"
IDENTITY = identify("pmml_job")


def sign(states: dict[str, ModelSign], serving: dict[str, int] | None = None, offset: int | None = 3) -> ModelsSign:
    """What a worker says whose models are so."""
    return sign_of(IDENTITY, ModelsStanding("pmml", offset, states, serving or {}), AT)


def one(state: State = State.READY, since_ms: int = 1, reason: str = "") -> ModelSign:
    """A version in a state."""
    return ModelSign(state, since_ms, 1024, reason)


def heard(*values: bytes | None) -> HeardModels:
    """What is known after these messages."""
    found = HeardModels()
    found.hear(Message(value=value, published_ms=0, offset=offset) for offset, value in enumerate(values))
    return found


def test_sign_comes_back_as_it_went() -> None:
    """What is written is read."""
    given_sign = sign({"iris:1": one(), "iris:2": one(State.FAILED, reason="ä")}, {"iris": 1})

    assert parse(given_sign.encode()) == given_sign


def test_signs_of_life_and_of_models_are_not_taken_for_each_other() -> None:
    """They share a topic, and older releases read it too."""
    of_life = status.Sign(
        worker="a",
        deployable="pmml_job",
        host="h",
        pid=1,
        started_at=AT,
        state=status.SignKind.ALIVE,
        at=AT,
        version=7,
        offset=3,
        heartbeat_ms=1_000,
        models_offset=3,
        models={"ready": 1},
    )

    assert parse(of_life.encode()) is None
    assert status.parse(sign({"iris:1": one()}).encode()) is None


@given(st.one_of(st.none(), st.binary(), st.text().map(str.encode)))
def test_strangers_messages_are_passed_over(value: bytes | None) -> None:
    """Whatever somebody else writes to the topic, those who read it go on."""
    assert parse(value) is None
    assert heard(value).signs == {}


def test_last_sign_counts() -> None:
    """Each worker has one state, and what others wrote in between takes nothing back."""
    found = heard(sign({}, offset=3).encode(), sign({}, offset=4).encode(), b"{}", None)

    assert {worker: each.offset for worker, each in found.signs.items()} == {IDENTITY.worker: 4}


def test_counts_are_by_state() -> None:
    """Only states that occur, so that a short sign stays short."""
    states = {"a:1": one(), "a:2": one(State.FAILED), "b:1": one()}

    assert ModelsStanding("pmml", 0, states, {}).counts == {"failed": 1, "ready": 2}


def test_what_needs_looking_at_comes_first() -> None:
    """Failed, loading, ready, evicted; of each the newest change first."""
    states = {
        "a:1": one(State.EVICTED, 9),
        "a:2": one(State.READY, 1),
        "a:3": one(State.READY, 2),
        "a:4": one(State.LOADING, 1),
        "a:5": one(State.FAILED, 1),
    }

    assert list(sign(states).models) == ["a:5", "a:4", "a:3", "a:2", "a:1"]


@pytest.mark.parametrize(("count", "reason"), [(1_000, ""), (5_000, ""), (5_000, "€" * 10_000)])
def test_sign_stays_small(count: int, reason: str) -> None:
    """However many models there are and whatever is wrong with them; what is left out is counted."""
    names = [f"{'m' * 90}-{number}" for number in range(count)]
    states = {f"{name}:1": one(State.FAILED if reason else State.READY, reason=reason) for name in names}

    found = sign(states, dict.fromkeys(names, 1))

    assert len(found.encode()) < 1_000_000
    assert len(found.models) + found.more == count
    assert (found.more == 0) is (count == 1_000)
    assert {f"{name}:1" for name in found.serving} == set(found.models)


def test_worker_that_has_read_nothing_says_so() -> None:
    """Any message of the topic is after that."""
    assert sign({}, offset=None).offset == -1


@pytest.mark.parametrize(
    ("state", "serving", "serves"),
    [
        (State.READY, 2, True),
        (State.EVICTED, 2, True),
        (State.LOADING, 2, False),
        (State.FAILED, 2, False),
        (State.READY, 1, False),
    ],
)
def test_version_serves_a_name_where_it_scores(state: State, serving: int, serves: bool) -> None:  # noqa: FBT001
    """Meant and able to; one that was evicted is loaded again for whoever asks."""
    found = sign({"iris:2": one(state), "iris:1": one()}, {"iris": serving})

    assert found.serves("iris", 2) is serves


def test_models_of_another_job_are_not_known() -> None:
    """A name that nothing is known of, neither by a version nor by what serves it."""
    found = sign({"iris:2": one(State.FAILED)}, {"wine": 1})

    assert [name for name in ("iris", "wine", "iri", "other") if found.knows(name)] == ["iris", "wine"]
