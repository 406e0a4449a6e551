"""Messages of a control topic, and what became of each: words that every follower shares. Pure: no Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Message", "Verdict", "VerdictKind"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A record of a control topic."""

    value: bytes | None
    published_ms: int
    """Its Kafka timestamp, in milliseconds since 1970: the same for whoever reads it."""
    offset: int
    key: bytes | None = None


class VerdictKind(StrEnum):
    """What became of a message."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    """What is in force came once more."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one message, and why."""

    kind: VerdictKind
    offset: int
    version: int | None = None
    """The version that the message offers, where it can be told."""
    subject: str | None = None
    """The model ref or name that a message on the topic of models is about, where it can be told."""
    reasons: tuple[str, ...] = ()
    passing: bool = False
    """Whether the same message may be taken later: Kafka was away, not the message wrong."""
