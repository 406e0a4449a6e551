"""Which share of keys moves from which variant to which when a split changes.

Weighted rendezvous hashing makes this a sum of integrals that have a closed form: each variant draws, for a key, an
exponentially distributed number that does not depend on weights, divides it by its weight, and the smallest wins. So
the share that moves can be told exactly, for all keys there could be, without hashing a single one.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from penstock.routing.ramp import current_weights
from penstock.routing.split import Arm, chooser, seed, shares

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.routing.document import Route

__all__ = ["SAMPLED_KEYS", "Move", "Moves", "Sharing", "moved", "sharing"]

SAMPLED_KEYS = 10_000
"""How many made-up keys are hashed where no formula holds; the error of a share is then about 1 %."""

# The formula takes the cube of the number of variants.
_MOST_ARMS = 40
# Shares below this are rounding errors of the formula.
_NOTHING = 1e-12


class Sharing(NamedTuple):
    """How a route shares its events at one time."""

    by: object
    """What is hashed, as the document has it; None where there is no split."""
    salt: str
    weights: Mapping[str, float]


class Move(NamedTuple):
    """Keys that leave a variant for another."""

    origin: str
    to: str
    share: float
    """Of all keys, 0 to 1."""


class Moves(NamedTuple):
    """All keys of a route that move."""

    share: float
    """Of all keys, 0 to 1."""
    moves: tuple[Move, ...]
    """By variants, the largest share first."""
    exact: bool
    """Whether the shares were computed; else made-up keys were hashed."""


def sharing(route: Route, published_ms: int, now_ms: int, other: Route) -> Sharing:
    """Return how a route shares its events, to be compared with how the ``other`` does.

    A route without a split counts as one with a single variant: that of the other's variants which has the same model,
    so that keys which stay with their model do not move.
    """
    if route.split is None:
        variants = other.split.variants if other.split else []
        same = [variant.name for variant in variants if variant.model == route.model]
        return Sharing(None, "", {same[0] if len(same) == 1 else f"(model {route.model})": 1.0})
    return Sharing(route.split.by, route.split.salt or route.name, current_weights(route, published_ms, now_ms))


def moved(old: Sharing, new: Sharing) -> Moves:
    """Return which keys move; those that are pinned by overrides are not looked at."""
    names = list(dict.fromkeys((*old.weights, *new.weights)))
    before = [old.weights.get(name, 0.0) for name in names]
    after = [new.weights.get(name, 0.0) for name in names]
    alone = sum(weight > 0 for weight in before) == 1 or sum(weight > 0 for weight in after) == 1
    if alone or (old.by == new.by and old.salt != new.salt):
        exact, found = True, _independent(old, new)
    elif old.by == new.by and len(names) <= _MOST_ARMS:
        exact, found = True, _joint(names, before, after)
    else:
        exact, found = False, _sampled(old, new)
    largest = sorted((move for move in found if move.share > _NOTHING), key=lambda move: -move.share)
    return Moves(math.fsum(move.share for move in largest), tuple(largest), exact)


def _independent(old: Sharing, new: Sharing) -> list[Move]:
    """Where one hash says nothing of the other, or one side has no choice, the shares multiply."""
    before, after = shares(old.weights), shares(new.weights)
    return [
        Move(origin, to, leaving * coming)
        for origin, leaving in before.items()
        for to, coming in after.items()
        if origin != to
    ]


def _joint(names: list[str], before: list[float], after: list[float]) -> list[Move]:
    """With one salt all draws are the same before and after: only the weights by which they are divided differ."""
    return [
        Move(names[origin], names[to], _crossing(origin, to, before, after))
        for origin in range(len(names))
        for to in range(len(names))
        if origin != to and before[origin] > 0 and after[to] > 0
    ]


def _crossing(i: int, j: int, before: list[float], after: list[float]) -> float:
    """Return how likely i wins before and j after.

    Let t be the draw of j over that of i. Before, i wins over j where t is at least ``low``; after, j wins over i where
    t is at most ``high``. Every other k must lose both times: its draw, over that of i, is at least the larger of
    before[k] / before[i] and t * after[k] / after[j]. The draw of i integrated out, what is left is the integral of
    1 / (1 + t + the sum of these)^2, whose denominator is linear between the points where the larger changes.
    """
    low = before[j] / before[i]
    high = math.inf if after[i] == 0 else after[j] / after[i]
    if low >= high:
        return 0.0
    others = [(before[k] / before[i], after[k] / after[j]) for k in range(len(before)) if k not in {i, j}]
    turns = sorted(turn for level, slope in others if slope > 0 and low < (turn := level / slope) < high)
    total = 0.0
    for begin, end in zip([low, *turns], [*turns, high], strict=True):
        inside = begin + 1 if end == math.inf else (begin + end) / 2
        level = 1 + math.fsum(a for a, b in others if a >= inside * b)
        slope = 1 + math.fsum(b for a, b in others if a < inside * b)
        total += _integral(level, slope, begin, end)
    return total


def _integral(level: float, slope: float, begin: float, end: float) -> float:
    """Integrate 1 / (level + slope * t)^2; the slope is never 0."""
    if end == math.inf:
        return 1 / (slope * (level + slope * begin))
    return (end - begin) / ((level + slope * begin) * (level + slope * end))


def _sampled(old: Sharing, new: Sharing) -> list[Move]:
    """Hash made-up keys; where something else is hashed than before, the two have nothing to do with each other."""
    other = "" if old.by == new.by else "other "
    before, after = _chooser(old), _chooser(new)
    names, new_names = list(old.weights), list(new.weights)
    found = Counter(
        (names[before(f"key {number}".encode())], new_names[after(f"{other}key {number}".encode())])
        for number in range(SAMPLED_KEYS)
    )
    return [Move(origin, to, count / SAMPLED_KEYS) for (origin, to), count in found.items() if origin != to]


def _chooser(sharing: Sharing) -> Callable[[bytes], int]:
    return chooser([Arm(seed(sharing.salt, name), weight) for name, weight in sharing.weights.items()])
