"""Which share of keys moves: the formula says what hashing many keys says."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.routing.moves import Sharing, moved
from penstock.routing.split import Arm, chooser, seed

KEYS = [f"user-{number}".encode() for number in range(20_000)]
NAMES = ("a", "b", "c", "d")
weights = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10).map(float), min_size=1).filter(
    lambda found: any(found.values())
)


def hashed(old: Sharing, new: Sharing) -> dict[tuple[str, str], float]:
    """The shares that move, by hashing."""
    found: Counter[tuple[str, str]] = Counter()
    choosers = [
        (list(each.weights), chooser([Arm(seed(each.salt, name), weight) for name, weight in each.weights.items()]))
        for each in (old, new)
    ]
    for key in KEYS:
        origin, to = (names[choose(key)] for names, choose in choosers)
        if origin != to:
            found[origin, to] += 1
    return {pair: count / len(KEYS) for pair, count in found.items()}


def shares(old: Sharing, new: Sharing) -> dict[tuple[str, str], float]:
    """The shares that move, as computed."""
    return {(move.origin, move.to): move.share for move in moved(old, new).moves}


@settings(max_examples=15, deadline=None)
@given(weights, weights, st.sampled_from(["salt", "other"]))
def test_formula_says_what_hashing_says(before: dict[str, float], after: dict[str, float], salt: str) -> None:
    """For any weights, and for the same salt and another."""
    old, new = Sharing("key", "salt", before), Sharing("key", salt, after)
    computed, counted = shares(old, new), hashed(old, new)

    assert moved(old, new).exact
    for pair in {*computed, *counted}:
        assert computed.get(pair, 0) == pytest.approx(counted.get(pair, 0), abs=0.02)


def test_one_weight_that_grows_takes_from_all_others() -> None:
    """And from nobody to anybody else: 90 to 10 becomes 80 to 20."""
    found = moved(Sharing("key", "s", {"a": 90, "b": 10}), Sharing("key", "s", {"a": 80, "b": 20}))

    assert [(move.origin, move.to) for move in found.moves] == [("a", "b")]
    assert found.share == pytest.approx(0.1)


def test_equal_sharing_moves_nothing() -> None:
    """Weights that are all multiplied by the same number are the same shares."""
    assert moved(Sharing("key", "s", {"a": 9, "b": 1}), Sharing("key", "s", {"a": 90, "b": 10})).moves == ()


def test_other_salt_deals_anew() -> None:
    """Half of the keys, for two equal variants."""
    found = moved(Sharing("key", "s", {"a": 1, "b": 1}), Sharing("key", "t", {"a": 1, "b": 1}))

    assert found.share == pytest.approx(0.5)
    assert found.exact


def test_hashing_something_else_is_sampled() -> None:
    """What is hashed now has nothing to do with what was hashed before; it says that it is no exact number."""
    found = moved(Sharing("key", "s", {"a": 1, "b": 1}), Sharing("event", "s", {"a": 1, "b": 1}))

    assert not found.exact
    assert found.share == pytest.approx(0.5, abs=0.03)


def test_many_variants_are_sampled() -> None:
    """The formula would take the cube of their number."""
    before = {f"v{number}": 1.0 for number in range(60)}
    found = moved(Sharing("key", "s", before), Sharing("key", "s", before | {"v0": 61.0}))

    assert not found.exact
    assert found.share == pytest.approx(61 / 120 - 1 / 60, abs=0.03)
    assert {move.to for move in found.moves} == {"v0"}
