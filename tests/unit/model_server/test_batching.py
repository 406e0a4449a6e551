"""Calls that are computed as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.local.model_server.batching import Batches, Call, computed
from penstock.local.model_server.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping


def call(key: str, *values: float, lane: str = "m") -> Call:
    """A call with these values as its rows."""
    return Call((key,), lane, len(values), {"x": np.array(values)})


def taken(batches: Batches) -> list[list[float]]:
    """All batches, each as the values of its rows."""
    found = []
    while calls := batches.take():
        found.append([value for each in calls for value in each.inputs["x"].tolist()])
    return found


def test_what_waits_goes_together() -> None:
    """Calls of the same key, in their order; nothing is left."""
    batches = Batches(most_rows=10, queue_rows=100)
    for value in (1.0, 2.0, 3.0):
        assert batches.add(call("a", value))

    assert taken(batches) == [[1.0, 2.0, 3.0]]
    assert batches.waiting("m") == 0


def test_keys_take_turns() -> None:
    """A long queue holds up nobody else for more than a batch."""
    batches = Batches(most_rows=2, queue_rows=100)
    for value in (1.0, 2.0, 3.0, 4.0):
        batches.add(call("a", value))
    batches.add(call("b", 9.0))

    assert taken(batches) == [[1.0, 2.0], [9.0], [3.0, 4.0]]


def test_call_that_is_larger_than_a_batch_goes_alone() -> None:
    """It is neither cut nor refused."""
    batches = Batches(most_rows=2, queue_rows=100)
    batches.add(call("a", 1.0, 2.0, 3.0))
    batches.add(call("a", 4.0))

    assert taken(batches) == [[1.0, 2.0, 3.0], [4.0]]


def test_full_queue_takes_no_more() -> None:
    """Rows count, not calls; another model's queue is another queue."""
    batches = Batches(most_rows=10, queue_rows=3)

    assert batches.add(call("a", 1.0, 2.0))
    assert not batches.add(call("b", 3.0, 4.0))
    assert batches.add(call("b", 3.0))
    assert batches.add(call("c", 1.0, 2.0, lane="other"))
    assert batches.waiting("m") == 3


def test_empty_queue_takes_any_call() -> None:
    """A call that is larger than the queue would else be refused for ever."""
    batches = Batches(most_rows=10, queue_rows=2)

    assert batches.add(call("a", 1.0, 2.0, 3.0))
    assert not batches.add(call("a", 4.0))


def test_withdrawn_call_makes_room() -> None:
    """Its rows do not count any more; one that was taken already is nothing to withdraw."""
    batches = Batches(most_rows=10, queue_rows=2)
    first, second = call("a", 1.0), call("a", 2.0)
    batches.add(first)
    batches.add(second)
    batches.withdraw(first)
    batches.withdraw(first)

    assert batches.waiting("m") == 1
    assert taken(batches) == [[2.0]]
    batches.withdraw(second)
    assert batches.take() == []


@given(bad=st.sets(st.integers(0, 19)), sizes=st.lists(st.integers(1, 3), min_size=1, max_size=20))
def test_only_calls_with_a_bad_row_are_refused(bad: set[int], sizes: list[int]) -> None:
    """Whatever is bad: the others get what they would get alone, in their order."""
    calls = [call("a", *([float(number)] * size)) for number, size in enumerate(sizes)]

    def compute(inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        if bad & set(inputs["x"].astype(int).tolist()):
            raise Refusal(3, "bad row")
        return {"y": inputs["x"] * 2}

    for number, answer in enumerate(computed(calls, compute)):
        if number in bad:
            assert isinstance(answer, Refusal)
        else:
            assert not isinstance(answer, Refusal)
            assert answer["y"].tolist() == [number * 2.0] * sizes[number]


def test_few_tries_find_one_bad_call() -> None:
    """Halves are tried, not each call by itself."""
    tries = 0

    def compute(inputs: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        nonlocal tries
        tries += 1
        if 13.0 in inputs["x"]:
            raise Refusal(3, "bad row")
        return {"y": inputs["x"]}

    answers = computed([call("a", float(number)) for number in range(64)], compute)

    assert sum(isinstance(answer, Refusal) for answer in answers) == 1
    assert tries == 1 + 2 * 6


@pytest.mark.parametrize("rows", [1, 3])
def test_outputs_that_do_not_count_rows_are_computed_call_by_call(rows: int) -> None:
    """A signature may promise rows and give something else."""
    calls = [call("a", float(number)) for number in range(rows)]

    answers = computed(calls, lambda inputs: {"sum": np.array(inputs["x"].sum())})

    assert [answer["sum"].tolist() for answer in answers if not isinstance(answer, Refusal)] == list(
        map(float, range(rows))
    )
