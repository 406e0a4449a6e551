"""Records of the topic of models: what a key and a value mean, and how they are written."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.models.descriptor import ModelDescriptor
from penstock.models.records import (
    Fault,
    Pointed,
    Registered,
    Removed,
    descriptor_record,
    parse,
    pointer_record,
    removed_record,
)
from penstock.models.ref import ModelRef

Plain = Callable[..., dict[str, Any]]

UUID = "8400fb1b-9a4d-4f9b-9d2f-2b6f8f5f0a11"


def test_descriptor_comes_back(plain: Plain) -> None:
    """What is written is read, under its ref."""
    descriptor = ModelDescriptor.parse(plain(sample={"a": 1.5}, bytes=5), "here")
    key, value = descriptor_record(descriptor)

    assert key == b"iris:1"
    assert parse(key, value) == Registered(descriptor)


@pytest.mark.parametrize("previous", [None, 2])
def test_pointer_comes_back(previous: int | None) -> None:
    """With the version before it, or without one."""
    key, value = pointer_record("iris", 3, previous, "2026-01-02T03:04:05Z")

    assert key == b"iris"
    assert parse(key, value) == Pointed("iris", 3, previous, "2026-01-02T03:04:05Z")


@pytest.mark.parametrize("ref", [ModelRef("iris", 3), ModelRef("iris"), ModelRef(UUID, 0)])
def test_removal_comes_back(ref: ModelRef) -> None:
    """A key without a value deletes the version, or the pointer."""
    assert parse(*removed_record(ref)) == Removed(ref)


def test_keys_of_newer_releases_are_told(plain: Plain) -> None:
    """They are no faults: an older worker takes what it knows."""
    record = parse(b"iris:1", msgspec.json.encode(plain(licence="MIT")))
    assert isinstance(record, Registered)
    assert record.unknown == ("licence",)
    assert isinstance(parse(b"iris", b'{"name": "iris", "live": 1, "since": 5}'), Pointed)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (None, b"{}", "the key must be 'name' or 'name:version'"),
        (b"", b"{}", "the key must be 'name' or 'name:version'"),
        (b"a b", b"{}", "the key must be 'name' or 'name:version': 'a b' is no model ref"),
        (b"\xff", b"{}", "the key must be 'name' or 'name:version'"),
        (b"iris:01", None, "expected a version, a whole number"),
        (f"{UUID}_3".encode(), None, "the key must be 'name' or 'name:version', got"),
        (b"iris:1", b"", "the value is not what the key promises"),
        (b"iris:1", b"{", "the value is not what the key promises"),
        (b"iris:1", b"[" * 100_000, "unexpected RecursionError|not what the key promises"),
        (b"iris:1", b"\xff\xfe", "the value is not what the key promises"),
        (b"iris:1", b"[]", "expected a mapping, got list"),
        (b"iris:1", b"{}", "key 'name' is missing"),
        (b"iris", b'{"name": "iris"}', "missing required field `live`"),
        (b"iris", b'{"name": "iris", "live": -1}', r"Expected `int` >= 0"),
        (b"iris", b'{"name": "iris", "live": "1"}', r"Expected `int`, got `str`"),
        (b"iris", b'{"name": "other", "live": 1}', "the pointer is of 'other', the key says 'iris'"),
    ],
)
def test_fault_is_told(key: bytes | None, value: bytes | None, reason: str) -> None:
    """Whatever the bytes are, nothing is raised and the reason says what was expected."""
    record = parse(key, value)
    assert isinstance(record, Fault)
    assert re.search(reason, record.reason)


def test_descriptor_under_a_strangers_key(plain: Plain) -> None:
    """Compaction goes by the key: what is under it must be about it."""
    record = parse(b"iris:2", msgspec.json.encode(plain()))
    assert record == Fault("iris:2", "the descriptor is of 'iris:1', the key says 'iris:2'", ModelRef("iris", 2))


@given(st.none() | st.binary(max_size=300), st.none() | st.binary(max_size=300))
def test_no_bytes_raise(key: bytes | None, value: bytes | None) -> None:
    """Anybody may write to the topic."""
    record = parse(key, value)
    assert not isinstance(record, Fault) or len(record.subject) <= 130
