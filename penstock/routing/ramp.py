"""Weights that change by wall clock: what a ramp's variant has at a time, and when it changes next.

Workers need no message for it: all of them know the document, the time at which it was published, and the time of day.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from penstock.routing.parameters import duration_ms, moment_ms

if TYPE_CHECKING:
    from penstock.routing.document import Ramp, Route, Split, Variant

__all__ = ["change_after", "current_weights", "now_ms", "weight_at", "without_weight"]


def now_ms() -> int:
    """Return the time of day in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def weight_at(ramp: Ramp, published_ms: int, now_ms: int) -> float:
    """Return the weight at a time: that of the last step that has begun."""
    return _weight(ramp, _step(ramp, now_ms - _start(ramp, published_ms)))


def change_after(ramp: Ramp, published_ms: int, now_ms: int) -> int | None:
    """Return when the weight changes next, in milliseconds since 1970; None where it does not any more."""
    start = _start(ramp, published_ms)
    done = _step(ramp, now_ms - start)
    if done >= ramp.steps:
        return None
    return start + -(-duration_ms(ramp.over) * (done + 1) // ramp.steps)  # upwards: no step begins early


def current_weights(route: Route, published_ms: int, now_ms: int) -> dict[str, float]:
    """Return the weights of a route's variants at a time, by name; none where it has no split."""
    variants = route.split.variants if route.split else []
    return {variant.name: _of(variant, published_ms, now_ms) for variant in variants}


def without_weight(split: Split) -> bool:
    """Say whether there is a time at which no variant has a weight above 0.

    Ramps that start with the document and ramps that start at set times are looked at apart: which of them is ahead
    depends on when the document is published.
    """
    if any(variant.ramp is None and variant.weight for variant in split.variants):
        return False
    ramps = [variant.ramp for variant in split.variants if variant.ramp]
    set_times = [ramp for ramp in ramps if ramp.start is not None]
    return all(_gap(group) for group in (set_times, [ramp for ramp in ramps if ramp.start is None]))


def _gap(ramps: list[Ramp]) -> bool:
    """Say whether all of them are 0 at some time: if they ever are, then before all of them, or after a last step."""
    ends = [_start(ramp, 0) + duration_ms(ramp.over) for ramp in ramps]
    times = [min((_start(ramp, 0) for ramp in ramps), default=0) - 1, *ends]
    return any(not any(weight_at(ramp, 0, time) for ramp in ramps) for time in times)


def _of(variant: Variant, published_ms: int, now_ms: int) -> float:
    if variant.ramp is not None:
        return weight_at(variant.ramp, published_ms, now_ms)
    return variant.weight or 0.0


def _start(ramp: Ramp, published_ms: int) -> int:
    return published_ms if ramp.start is None else moment_ms(ramp.start)


def _step(ramp: Ramp, elapsed_ms: int) -> int:
    return max(0, min(ramp.steps, ramp.steps * elapsed_ms // duration_ms(ramp.over)))


def _weight(ramp: Ramp, step: int) -> float:
    return ramp.to if step == ramp.steps else ramp.from_ + (ramp.to - ramp.from_) * step / ramp.steps
