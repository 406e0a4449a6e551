"""What shadows say beside what users get."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.event import CE_ID, MODEL, ROUTE, SHADOW, SOURCE, VARIANT
from penstock.routing.shadowing import Latency, Scored, agree, compare, scored


def result(event_id: str, prediction: object, latency_ms: float = 10, **headers: str) -> Scored:
    """A result of the route iris, read from its record."""
    value = json.dumps({"input": "x", "prediction": prediction, "outputs": {}, "latency_ms": latency_ms})
    found = scored(value.encode(), {CE_ID: event_id, ROUTE: "iris", MODEL: "tree:1", **headers})
    assert found
    return found


def dark(event_id: str, prediction: object, latency_ms: float = 20, name: str = "dark", **headers: str) -> Scored:
    """A shadow's result."""
    return result(event_id, prediction, latency_ms, **{SHADOW: name, MODEL: "forest:1", **headers})


def test_results_are_joined_by_their_event() -> None:
    """In whichever order they came."""
    primaries = [result("a", 0), result("b", 1), result("c", 2)]
    ((found,), alone) = compare(primaries, [dark("b", 1), dark("a", 2), dark("d", 0)])

    assert (found.joined, found.agreements, found.disagreements, alone) == (2, 1, 1, 1)
    assert (found.shadow, found.model, found.primary_model) == ("dark", "forest:1", "tree:1")


def test_samples_are_events_that_can_be_looked_up() -> None:
    """With their coordinates, both answers and the input; no more than asked for."""
    primaries = [result(str(number), 0, **{SOURCE: f"events/0/{number}"}) for number in range(9)]
    shadows = [dark(str(number), 1, **{SOURCE: f"events/0/{number}"}) for number in range(9)]
    ((found,), _) = compare(primaries, shadows, most_samples=2)

    assert found.disagreements == 9
    assert [sample.event for sample in found.samples] == ["events/0/0", "events/0/1"]
    assert (found.samples[0].primary, found.samples[0].shadow, found.samples[0].input) == (0, 1, b'"x"')


def test_each_shadow_is_compared_with_each_variant() -> None:
    """A shadow may agree with the champion and not with the challenger."""
    primaries = [result("a", 0, **{VARIANT: "champion"}), result("b", 1, **{VARIANT: "challenger"})]
    found, _ = compare(primaries, [dark("a", 0), dark("b", 0), dark("a", 1, name="other")])

    assert [(each.shadow, each.variant, each.agreements, each.disagreements) for each in found] == [
        ("dark", "challenger", 0, 1),
        ("dark", "champion", 1, 0),
        ("other", "champion", 0, 1),
    ]


def test_event_that_was_scored_twice_counts_once() -> None:
    """As after a failure, when events are read again."""
    ((found,), _) = compare([result("a", 0), result("a", 0)], [dark("a", 0), dark("a", 0)])

    assert found.joined == 1


def test_events_of_one_id_are_told_apart_by_their_place() -> None:
    """Producers may give an id twice, and to events of two topics."""
    primaries = [result("a", 0, **{SOURCE: "events/0/0"}), result("a", 1, **{SOURCE: "events/0/1"})]
    shadows = [dark("a", 0, **{SOURCE: "events/0/0"}), dark("a", 0, **{SOURCE: "events/0/1"})]
    ((found,), alone) = compare(primaries, shadows)

    assert (found.agreements, found.disagreements, alone) == (1, 1, 0)


def test_latencies_stand_side_by_side() -> None:
    """Of the joined events only; each is one that was measured."""
    primaries = [result(str(number), 0, number) for number in range(1, 201)]
    shadows = [dark(str(number), 0, 10 * number) for number in range(1, 101)]
    ((found,), _) = compare(primaries, shadows)

    assert found.primary_latency == Latency(50, 95, 99)
    assert found.latency == Latency(500, 950, 990)


@pytest.mark.parametrize(
    ("one", "other", "tolerance", "same"),
    [
        (1, 1.0, 0, True),
        (0.1, 0.10001, 0.001, True),
        (0.1, 0.2, 0.001, False),
        (True, 1, 0, False),
        ("a", "a", 0, True),
        ([0.1, {"p": 1}], [0.1, {"p": 1.01}], 0.1, True),
        ([1], [1, 1], 0, False),
        ({"a": 1}, {"b": 1}, 0, False),
        (None, None, 0, True),
    ],
)
def test_predictions_agree(one: object, other: object, tolerance: float, *, same: bool) -> None:
    """Numbers within the tolerance, all else exactly."""
    assert agree(one, other, tolerance) is same


@pytest.mark.parametrize(
    ("value", "headers"),
    [(None, {CE_ID: "a"}), (b"{", {CE_ID: "a"}), (b'{"prediction": 1}', {CE_ID: "a"}), (b"\xff", {}), (b"[]", {})],
)
def test_what_is_no_result_is_left_out(value: bytes | None, headers: dict[str, Any]) -> None:
    """Somebody else wrote it."""
    assert scored(value, headers) is None
