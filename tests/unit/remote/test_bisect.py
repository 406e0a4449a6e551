"""Finding the rows that a server refuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.remote.bisect import bisected
from penstock.remote.calls import CallError, CallKind

if TYPE_CHECKING:
    from collections.abc import Sequence


class Server:
    """Refuses a batch with a bad row in it, and does not say which; goes away when told to."""

    def __init__(self, bad: set[int], away_after: int | None = None, code: str = "INVALID_ARGUMENT") -> None:
        self.bad = bad
        self.code = code
        self.away_after = away_after
        self.calls: list[list[int]] = []

    def __call__(self, rows: Sequence[int]) -> list[str]:
        """Answer each row by its number."""
        self.calls.append([*rows])
        if self.away_after is not None and len(self.calls) > self.away_after:
            raise CallError("UNAVAILABLE", "gone")
        if self.bad & set(rows):
            raise CallError(self.code, "a row is bad")
        return [f"answer {row}" for row in rows]


def told(answers: Sequence[object]) -> list[object]:
    """Answers as they are, errors by their kind."""
    return [answer.kind if isinstance(answer, CallError) else answer for answer in answers]


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1)))))
def test_finds_any_set_of_bad_rows_within_its_bound(case: tuple[int, set[int]]) -> None:
    """Each good row has its own answer, each bad one its refusal, and no call is made in vain."""
    size, bad = case
    server = Server(bad)

    answers = bisected(range(size), server)

    assert told(answers) == [CallKind.REFUSED if row in bad else f"answer {row}" for row in range(size)]
    bound = 1 + 2 * len(bad) * math.ceil(math.log2(size)) if size > 1 else 1
    assert len(server.calls) <= min(bound, 2 * size - 1)


def test_good_batch_is_one_call() -> None:
    """What nearly every batch is."""
    server = Server(set())
    bisected(range(64), server)

    assert server.calls == [[*range(64)]]


def test_stops_where_it_is_not_the_rows() -> None:
    """A row that was good before is refused, too: after seven calls and that one, all rows are told so."""
    server = Server({*range(64), 99})

    answers = bisected(range(64), server, known_good=99)

    assert told(answers) == [CallKind.FATAL] * 64
    assert server.calls[-1] == [99]
    assert len(server.calls) == 8


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("code", ["INTERNAL", "UNKNOWN"])
def test_few_rows_may_be_innocent(size: int, code: str) -> None:
    """They are never halved twice: each is refused, and the one that was good before, too, so it is the server."""
    server = Server({*range(size), 99}, code=code)

    assert told(bisected(range(size), server, known_good=99)) == [CallKind.FATAL] * size
    assert server.calls.count([99]) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 64])
@pytest.mark.parametrize("code", ["INTERNAL", "INVALID_ARGUMENT"])
def test_rows_may_all_be_bad(size: int, code: str) -> None:
    """The row that was good before still is: it is asked for once at most, and of few not where the code is clear."""
    server = Server({*range(size)}, code=code)

    assert told(bisected(range(size), server, known_good=99)) == [CallKind.REFUSED] * size
    assert server.calls.count([99]) == (1 if size >= 4 or code == "INTERNAL" else 0)


@pytest.mark.parametrize("size", [2, 3])
def test_server_that_answers_one_of_few_is_not_doubted(size: int) -> None:
    """It is well."""
    server = Server({0}, code="INTERNAL")
    bisected(range(size), server, known_good=99)

    assert [99] not in server.calls


def test_goes_on_where_it_is_the_rows() -> None:
    """The row that was good before still is: so each row is asked for."""
    server = Server(set(range(63)))

    answers = bisected(range(64), server, known_good=99)

    assert told(answers) == [*[CallKind.REFUSED] * 63, "answer 63"]
    assert [99] in server.calls


def test_does_not_doubt_what_answers_in_part() -> None:
    """One quarter of four was answered: nothing is asked for that nobody sent."""
    server = Server({*range(12)})
    bisected(range(16), server, known_good=99)

    assert [99] not in server.calls


def test_what_is_no_refusal_is_not_halved() -> None:
    """The server goes away in the middle: rows that have their answer keep it, the others are told so."""
    server = Server({0}, away_after=3)

    answers = bisected(range(4), server)

    # All, the first half, the second half; then the halves of the first, of a server that is gone.
    assert told(answers) == [CallKind.RETRY, CallKind.RETRY, "answer 2", "answer 3"]
    assert len(server.calls) == 5


def test_too_few_answers_are_none() -> None:
    """Nobody can tell whose they are."""
    answers = bisected(range(3), lambda _: ["one"])

    assert told(answers) == [CallKind.FATAL] * 3
    assert str(answers[0]) == "INTERNAL: it gave 1 answers for 3 rows"
