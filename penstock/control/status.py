"""What workers say on the status topic, and what can be told from it: who lives, and by which document. Pure.

Each sign tells all there is to tell, so that one that gets lost is made good by the next.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from penstock.control.messages import Message

__all__ = ["BEATS", "Identity", "Sign", "SignKind", "WorkerState", "Workers", "parse"]

BEATS = 3
"""After so many heartbeats without a sign a worker counts as gone."""


class SignKind(StrEnum):
    """What made a worker give a sign."""

    READY = "ready"
    """It has begun, and the newest good document is in force."""
    APPLIED = "applied"
    """It was offered a document, which is in force now (or was already)."""
    REJECTED = "rejected"
    """It was offered what it could not take; the last document stays in force."""
    ALIVE = "alive"
    """Time has passed."""
    STOPPED = "stopped"
    """It ends, as it was told to."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which worker it is."""

    worker: str
    """Unlike that of any other worker, before and after."""
    deployable: str
    host: str
    pid: int
    started_at: str
    """RFC 3339."""


class Sign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sign of life, as it stands on the topic."""

    worker: str
    deployable: str
    host: str
    pid: int
    started_at: str
    state: SignKind
    at: str
    """When it was given, RFC 3339."""
    version: int | None
    """The document in force."""
    offset: int | None
    """The last message of the routing topic that it has seen: this sign answers that one and all before."""
    heartbeat_ms: int
    """How long until the next sign, at most."""
    offered: int | None = None
    """The version that the last message offered, where it could be told."""
    verdict: str | None = None
    """What became of the last message: applied, duplicate or rejected."""
    reasons: tuple[str, ...] = ()
    """Why it was rejected."""
    weights: dict[str, dict[str, float]] = {}
    """The momentary weights of variants, by route; of the input adapter where ramps are under way."""
    models_offset: int | None = None
    """The last message of the topic of models that it has seen, -1 if there was none; None: it holds no models."""
    models_verdict: str | None = None
    """What became of the last one that it told of: applied, duplicate or rejected."""
    models_subject: str | None = None
    """The model ref or name that this one was about."""
    models_reasons: tuple[str, ...] = ()
    """Why that one was rejected, or what is odd about it."""
    models: dict[str, int] = {}
    """How many versions are in each state; `penstock.control.model_signs` tells of each."""

    def encode(self) -> bytes:
        """Return the sign as it stands on the topic."""
        return msgspec.json.encode(self)


_decode = msgspec.json.Decoder(Sign).decode


def parse(value: bytes | None) -> Sign | None:
    """Read a sign; None where the message is none, because somebody else wrote it."""
    try:
        return None if value is None else _decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


class WorkerState(msgspec.Struct, frozen=True, kw_only=True):
    """A worker by its last sign."""

    sign: Sign
    seen_ms: int
    """The sign's Kafka timestamp."""

    def age_ms(self, now_ms: int) -> int:
        """Return how old its last sign is."""
        return max(0, now_ms - self.seen_ms)

    def live(self, now_ms: int) -> bool:
        """Tell whether it is at work, as far as can be known."""
        return self.sign.state is not SignKind.STOPPED and self.age_ms(now_ms) < BEATS * self.sign.heartbeat_ms

    def answers(self, offset: int) -> bool:
        """Tell whether it has seen the routing topic's message at this offset."""
        return self.sign.offset is not None and self.sign.offset >= offset

    def as_object(self, now_ms: int) -> dict[str, Any]:
        """Return the state as JSON has it."""
        plain: dict[str, Any] = msgspec.to_builtins(self.sign)
        return {**plain, "age_ms": self.age_ms(now_ms), "live": self.live(now_ms)}


class Workers:
    """All workers that were heard of, by their last signs."""

    def __init__(self) -> None:
        self._states: dict[str, WorkerState] = {}

    def hear(self, messages: Iterable[Message]) -> None:
        """Take in messages of the status topic, in their order."""
        for message in messages:
            sign = parse(message.value)
            if sign is not None:
                self._states[sign.worker] = WorkerState(sign=sign, seen_ms=message.published_ms)

    @property
    def states(self) -> Mapping[str, WorkerState]:
        """The last state of each, by the worker's name."""
        return self._states

    def live(self, now_ms: int) -> list[WorkerState]:
        """Return those at work, by name."""
        return [state for _, state in sorted(self._states.items()) if state.live(now_ms)]

    def silent(self, offset: int, now_ms: int) -> list[WorkerState]:
        """Return those at work that have not answered the routing topic's message at this offset."""
        return [state for state in self.live(now_ms) if not state.answers(offset)]
