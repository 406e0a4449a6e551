"""Builders of models' descriptors and of the records of their topic, for tests."""

from __future__ import annotations

from typing import Any

from penstock.control.messages import Message
from penstock.models.descriptor import ModelDescriptor
from penstock.models.records import descriptor_record, pointer_record, removed_record
from penstock.models.ref import ModelRef
from penstock.models.registry import Registry

__all__ = ["Pair", "added", "described", "messages", "pointed", "registry", "removed"]

Pair = tuple[bytes, bytes | None]
"""Key and value of a record."""


def described(ref: str, sha: str = "a", **changes: Any) -> ModelDescriptor:
    """Return the descriptor of a PMML model; its digest is 64 times one letter, keywords replace keys."""
    name, _, version = ref.partition(":")
    tree = {"name": name, "version": int(version), "job": "pmml", "format": "pmml", "uri": "x", "sha256": sha * 64}
    return ModelDescriptor.parse(tree | changes, "here")


def added(ref: str, sha: str = "a", **changes: Any) -> Pair:
    """Return the record that registers a version."""
    return descriptor_record(described(ref, sha, **changes))


def pointed(name: str, live: int, previous: int | None = None) -> Pair:
    """Return the record that makes a version live."""
    return pointer_record(name, live, previous, "now")


def removed(ref: str) -> Pair:
    """Return the record that deletes a version, or a name's pointer."""
    return removed_record(ModelRef.parse(ref))


def messages(*records: Pair) -> list[Message]:
    """Return records as messages of a topic, from its first offset on."""
    return [Message(key=key, value=value, published_ms=0, offset=at) for at, (key, value) in enumerate(records)]


def registry(*records: Pair) -> Registry:
    """Return the registry that records make."""
    made = Registry()
    made.recover(messages(*records))
    return made
