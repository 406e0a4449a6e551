"""What is different between two routing documents."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.routing.difference import Change, ChangeKind, Difference, Side, difference
from penstock.testing import builders

HOUR_MS = 3_600_000
SPLIT = {
    "by": "key",
    "variants": [
        {"name": "champion", "weight": 90, "model": "iris-tree:1"},
        {"name": "challenger", "weight": 10, "model": "iris-tree:2"},
    ],
}


def compared(old: dict[str, Any], new: dict[str, Any], now_ms: int = 0) -> Difference:
    """Compare two documents, made of these keys; both published at 0."""
    return difference(Side(builders.document(**old), 0), Side(builders.document(**new), 0), now_ms)


def split_route(**changes: Any) -> dict[str, Any]:
    """A route with a split."""
    return builders.route(model=None, split=SPLIT | changes)


def test_equal_documents_are_not_different() -> None:
    """Defaults that are written out are no difference."""
    route = builders.route(on_error="no-match", transform=[])
    found = compared({}, {"unmatched": "dead-letter", "routes": [route]})

    assert found == ((), {})
    assert found.same


def test_version_alone_is_the_same() -> None:
    """It is told, but it changes nothing."""
    found = compared({}, {"version": 8})

    assert found.changes == (Change(ChangeKind.CHANGED, "version", 7, 8),)
    assert found.same


def test_parts_go_by_their_names() -> None:
    """A route that moves up is the same route, and a variant that is added pushes nobody away."""
    variants = [{"name": "dark", "weight": 0, "model": "iris-tree:3"}, *SPLIT["variants"]]  # type: ignore[misc]
    variants[2] = variants[2] | {"weight": 20}
    old = [split_route(), builders.route("other")]
    new = [builders.route("other"), split_route(variants=variants)]
    found = compared({"routes": old}, {"routes": new})

    assert [(change.kind.value, change.path) for change in found.changes] == [
        ("changed", "routes[iris].split.variants[challenger].weight"),
        ("added", "routes[iris].split.variants[dark]"),
        ("reordered", "routes"),
    ]
    assert found.changes[2].old == ["iris", "other"]


def test_true_is_not_one() -> None:
    """As in matches."""
    old, new = ({"routes": [builders.route(match={"field": {"a": value}})]} for value in (1, True))

    assert [change.path for change in compared(old, new).changes] == ["routes[iris].match.field.a"]


@pytest.mark.parametrize(
    ("model", "moves"),
    [
        ("iris-tree:1", {("champion", "challenger"): 0.1}),
        ("iris-tree:3", {("(model iris-tree:3)", "champion"): 0.9, ("(model iris-tree:3)", "challenger"): 0.1}),
    ],
)
def test_model_that_becomes_a_split_moves_what_it_gives_away(model: str, moves: dict[tuple[str, str], float]) -> None:
    """The one model stands for the variant that has it, or else for one of its own; the way back moves as many."""
    alone, shared = {"routes": [builders.route(model=model)]}, {"routes": [split_route()]}
    there, back = compared(alone, shared).moves["iris"], compared(shared, alone).moves["iris"]

    assert {(move.origin, move.to): move.share for move in there.moves} == pytest.approx(moves)
    assert {(move.to, move.origin): move.share for move in back.moves} == pytest.approx(moves)


def test_weights_of_ramps_are_those_of_now() -> None:
    """A ramp that is half way has moved its share already."""
    ramp = {"from": 0, "to": 90, "over": "2h", "steps": 2}
    variants = [SPLIT["variants"][0], {"name": "challenger", "ramp": ramp, "model": "iris-tree:2"}]  # type: ignore[index]
    old, new = {"routes": [split_route(variants=variants)]}, {"routes": [split_route()]}
    found = compared(old, new, now_ms=HOUR_MS).moves["iris"]

    assert [(move.origin, move.to) for move in found.moves] == [("challenger", "champion")]
    assert found.share == pytest.approx(45 / 135 - 0.1)


def test_routes_without_splits_move_nothing() -> None:
    """Whatever else changes."""
    assert compared({}, {"routes": [builders.route(model="iris-tree:2")]}).moves == {}
