"""What shadows say beside what users get: results joined by their event's id, agreement and latency. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from penstock.event import CE_ID, MODEL, ROUTE, SHADOW, SOURCE, VARIANT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Comparison", "Disagreement", "Latency", "Scored", "agree", "compare", "scored"]


class _Result(msgspec.Struct, gc=False, frozen=True):
    prediction: object
    latency_ms: float
    input: msgspec.Raw = msgspec.Raw(b"")


_read = msgspec.json.Decoder(_Result).decode


class Scored(NamedTuple):
    """One result, as far as it is compared."""

    event_id: str
    route: str
    model: str
    variant: str
    """Of a primary result whose route splits."""
    shadow: str
    """The shadow's name; empty for a primary result."""
    source: str
    """Where the event stands."""
    prediction: object
    latency_ms: float
    input: bytes
    """As JSON; empty where the result does not carry it."""

    @property
    def event(self) -> tuple[str, str]:
        """By which results of one event are joined: an id that a producer gave may stand for several events."""
        return self.event_id, self.source


class Disagreement(NamedTuple):
    """An event for which a shadow says something else."""

    event: str
    """Its coordinates, or its id where the result does not tell them."""
    model: str
    primary: object
    shadow: object
    input: bytes


class Latency(NamedTuple):
    """Milliseconds from the event to its score, as results tell them; of the joined events only."""

    p50: float
    p95: float
    p99: float


@dataclass(slots=True, kw_only=True)
class Comparison:
    """One shadow beside one model that users get."""

    shadow: str
    model: str
    """The shadow's."""
    variant: str
    primary_model: str
    agreements: int = 0
    disagreements: int = 0
    samples: list[Disagreement] = field(default_factory=list)
    primary_ms: list[float] = field(default_factory=list)
    shadow_ms: list[float] = field(default_factory=list)

    @property
    def joined(self) -> int:
        """How many events have both results."""
        return self.agreements + self.disagreements

    @property
    def latency(self) -> Latency:
        """Of the shadow."""
        return _latency(self.shadow_ms)

    @property
    def primary_latency(self) -> Latency:
        """Of the model that users get."""
        return _latency(self.primary_ms)


def scored(value: bytes | None, headers: Mapping[str, str]) -> Scored | None:
    """Read a result; None for what is none, because somebody else wrote it."""
    try:
        result = _read(value or b"")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    event_id = headers.get(CE_ID)
    if not event_id:
        return None
    return Scored(
        event_id=event_id,
        route=headers.get(ROUTE, ""),
        model=headers.get(MODEL, ""),
        variant=headers.get(VARIANT, ""),
        shadow=headers.get(SHADOW, ""),
        source=headers.get(SOURCE) or event_id,
        prediction=result.prediction,
        latency_ms=result.latency_ms,
        input=bytes(result.input),
    )


def compare(
    primaries: Iterable[Scored], shadows: Iterable[Scored], *, tolerance: float = 0.0, most_samples: int = 5
) -> tuple[list[Comparison], int]:
    """Join shadows' results with those that users get, by the event's id; all are of one route.

    An event that was scored twice, after a failure, counts once. Returns a comparison for each shadow and each model
    beside it, and how many shadows' results have no partner: it is on its way, a dead letter, or before what was read.
    """
    by_event = {each.event: each for each in primaries}
    found: dict[tuple[str, str, str, str], Comparison] = {}
    alone = 0
    for each in {(one.event, one.shadow): one for one in shadows}.values():
        primary = by_event.get(each.event)
        if primary is None:
            alone += 1
            continue
        pair = (each.shadow, each.model, primary.variant, primary.model)
        comparison = found.get(pair)
        if comparison is None:
            comparison = found[pair] = Comparison(
                shadow=each.shadow, model=each.model, variant=primary.variant, primary_model=primary.model
            )
        _count(comparison, primary, each, tolerance, most_samples)
    return [found[pair] for pair in sorted(found)], alone


def agree(one: object, other: object, tolerance: float) -> bool:
    """Tell whether two predictions are the same; of two numbers, whether they are no further apart than that."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= tolerance
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(agree(*pair, tolerance) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(agree(one[key], other[key], tolerance) for key in one)
    return one == other


def _count(comparison: Comparison, primary: Scored, shadow: Scored, tolerance: float, most_samples: int) -> None:
    comparison.primary_ms.append(primary.latency_ms)
    comparison.shadow_ms.append(shadow.latency_ms)
    if agree(primary.prediction, shadow.prediction, tolerance):
        comparison.agreements += 1
        return
    comparison.disagreements += 1
    if len(comparison.samples) < most_samples:
        comparison.samples.append(
            Disagreement(shadow.source, primary.model, primary.prediction, shadow.prediction, shadow.input)
        )


def _latency(found: Sequence[float]) -> Latency:
    """Return percentiles by nearest rank: each is a latency that was measured."""
    ordered = sorted(found)
    return Latency(*(ordered[math.ceil(len(ordered) * part) - 1] for part in (0.5, 0.95, 0.99)))
