"""Splits: the hash rule, shares, and how little moves."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.routing.split import Arm, chooser, field_key, seed, shadow_seed, share, shares, taker

KEYS = [f"user-{number}".encode() for number in range(4_000)]
names = st.lists(st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), min_size=1, max_size=5, unique=True)
weights = st.floats(0.5, 100)


def chosen(salt: str, given: dict[str, float], keys: list[bytes] = KEYS) -> list[str]:
    """The variant of each key."""
    order = list(given)
    choose = chooser([Arm(seed(salt, name), weight) for name, weight in given.items()])
    return [order[choose(key)] for key in keys]


def moved(before: list[str], after: list[str]) -> float:
    """The share of keys that have another variant."""
    return sum(old != new for old, new in zip(before, after, strict=True)) / len(before)


def bound(expected: float, count: int = len(KEYS)) -> float:
    """How far a share may be off by chance: five deviations, which one try in a million exceeds."""
    return 5 * math.sqrt(max(expected * (1 - expected), 1e-4) / count)


@settings(max_examples=40, deadline=None)
@given(names=names, salt=st.text(max_size=5), data=st.data())
def test_shares_follow_the_weights(names: list[str], salt: str, data: st.DataObject) -> None:
    """Within the bounds of chance, whatever the names, the salt and the sum of the weights."""
    given = {name: data.draw(weights) for name in names}
    found = chosen(salt, given)

    for name, expected in shares(given).items():
        assert abs(found.count(name) / len(found) - expected) <= bound(expected)


@settings(max_examples=40, deadline=None)
@given(names=names, data=st.data())
def test_when_one_weight_changes_only_its_own_keys_move(names: list[str], data: st.DataObject) -> None:
    """To it, where it grows, and from it, where it shrinks; never between two others."""
    given = {name: data.draw(weights) for name in names}
    one = data.draw(st.sampled_from(names))
    grown = given | {one: given[one] * data.draw(st.floats(1, 10))}

    for old, new in zip(chosen("s", given), chosen("s", grown), strict=True):
        assert new in {old, one}


@settings(max_examples=40, deadline=None)
@given(names=names, data=st.data())
def test_no_more_keys_move_than_must(names: list[str], data: st.DataObject) -> None:
    """With a change of half the sum of all shares' differences, d, at most 2d / (1 + d) of the keys move."""
    before = {name: data.draw(weights) for name in names}
    after = {name: data.draw(weights) for name in names}
    old, new = shares(before), shares(after)
    d = sum(abs(old[name] - new[name]) for name in names) / 2
    most = 2 * d / (1 + d)

    assert moved(chosen("s", before), chosen("s", after)) <= most + bound(most)


@given(names=names, key=st.binary(max_size=20), data=st.data())
def test_a_weight_of_zero_gets_nothing(names: list[str], key: bytes, data: st.DataObject) -> None:
    """And is as good as a variant that is not there."""
    given = {name: data.draw(weights) for name in names}

    assert chosen("s", {"none": 0.0, **given}, [key]) == chosen("s", given, [key])


def test_without_any_weight_there_is_no_choice() -> None:
    """A document that was loaded has no such split."""
    with pytest.raises(ValueError, match="no variant has a weight above 0"):
        chooser([Arm(1, 0.0)])


def test_salts_make_splits_independent() -> None:
    """Of those that one route sends to a variant, another route's split sends its usual share there."""
    given = {"a": 50.0, "b": 50.0}
    first, second = chosen("one", given), chosen("two", given)
    both = sum(pair == ("a", "a") for pair in zip(first, second, strict=True)) / len(KEYS)

    assert abs(both - 0.25) <= bound(0.25)


def test_every_process_computes_the_same() -> None:
    """Python's own hashes differ from process to process; these must not."""
    given = {"a": 70.0, "b": 20.0, "c": 10.0}
    program = (
        "import json; from penstock.routing.split import *;"
        f"given = {given!r};"
        "choose = chooser([Arm(seed('s', name), weight) for name, weight in given.items()]);"
        "print(json.dumps([list(given)[choose(b'user-%d' % number)] for number in range(4000)]))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }

    assert [json.loads(answer) for answer in answers] == [chosen("s", given)]


@settings(max_examples=30, deadline=None)
@given(percent=st.floats(0, 100), more=st.floats(0, 100))
def test_shadows_take_their_percentage_and_keep_their_keys(percent: float, more: float) -> None:
    """Whoever is copied at a lower percentage is copied at a higher one."""
    low, high = sorted((percent, more))
    own_seed = shadow_seed("route", "model:1")
    few, many = ({key for key in KEYS if taker(own_seed, each)(key)} for each in (low, high))

    assert few <= many
    assert abs(len(few) / len(KEYS) - low / 100) <= bound(low / 100)


@given(st.binary(max_size=30), st.integers(0, 2**64 - 1))
def test_a_share_is_never_at_an_end(key: bytes, own_seed: int) -> None:
    """Its logarithm always exists."""
    assert 0 < share(key, own_seed) < 1


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("Zürich", "Zürich".encode()),
        ("", b""),
        (5, b"5"),
        (5.0, b"5"),
        (-0.0, b"0"),
        (0.1, b"0.1"),
        (True, b"true"),
        (False, b"false"),
        (2**63, b"9223372036854775808"),
        (None, None),
        ([1], None),
        ({}, None),
    ],
)
def test_fields_are_hashed_as_text(found: object, expected: bytes | None) -> None:
    """Whole numbers have no decimal point; what is no scalar is not hashed."""
    assert field_key(found) == expected
