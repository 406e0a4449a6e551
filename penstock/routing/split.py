"""Which variant an event gets, and which events are copied to a shadow: by hashing, the same in every worker.

The rule is public, so that another program can follow it: docs/routing.md has it in words, with test vectors, and
docs/adr/0010 says why it is this one. Nothing here may change what a key gets.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from xxhash import xxh64_intdigest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Arm", "chooser", "field_key", "seed", "shadow_seed", "share", "shares", "taker"]

#: Integers up to here are exact in every language's numbers.
_EXACT = 2**53


class Arm(NamedTuple):
    """A variant as hashing sees it."""

    seed: int
    weight: float


def seed(salt: str, variant: str) -> int:
    """Return the seed of a variant: what makes its hashes differ from those of all others."""
    return xxh64_intdigest(f"{salt}\0{variant}".encode(), 0)


def shadow_seed(salt: str, name: str) -> int:
    """Return the seed of a shadow, which no variant has: variants' names have no control characters."""
    return xxh64_intdigest(f"{salt}\0shadow\0{name}".encode(), 0)


def share(key: bytes, seed: int) -> float:
    """Return a number between 0 and 1, both excluded, evenly spread over keys."""
    return ((xxh64_intdigest(key, seed) >> 11) + 0.5) / _EXACT


def chooser(arms: Sequence[Arm]) -> Callable[[bytes], int]:
    """Return what finds the number of a key's arm, by weighted rendezvous hashing.

    Each arm draws ``-ln(share) / weight`` for the key, and the smallest wins: an arm wins in proportion to its weight,
    and when one arm's weight changes, no key moves between two others.
    """
    drawing = [(number, arm.seed, arm.weight) for number, arm in enumerate(arms) if arm.weight > 0]
    if not drawing:
        raise ValueError("no variant has a weight above 0")
    first = drawing[0][0]
    if len(drawing) == 1:
        return lambda _: first
    hashed, log = xxh64_intdigest, math.log
    if len(drawing) == 2:  # noqa: PLR2004 two, as below without the loop, in two thirds of the time
        (_, seed_1, weight_1), (last, seed_2, weight_2) = drawing

        def choose_of_two(key: bytes) -> int:
            drawn_1 = -log(((hashed(key, seed_1) >> 11) + 0.5) / _EXACT) / weight_1
            drawn_2 = -log(((hashed(key, seed_2) >> 11) + 0.5) / _EXACT) / weight_2
            return last if drawn_2 < drawn_1 else first

        return choose_of_two

    def choose(key: bytes) -> int:
        chosen, best = first, math.inf
        for number, own_seed, weight in drawing:
            drawn = -log(((hashed(key, own_seed) >> 11) + 0.5) / _EXACT) / weight
            if drawn < best:
                chosen, best = number, drawn
        return chosen

    return choose


def taker(seed: int, percent: float) -> Callable[[bytes], bool]:
    """Return what says whether a key's events are among those that a shadow gets."""
    if percent in {0, 100}:
        always = percent == 100  # noqa: PLR2004 a hundred percent
        return lambda _: always
    bound = percent / 100
    return lambda key: share(key, seed) < bound


def shares(weights: Mapping[str, float]) -> dict[str, float]:
    """Return each variant's share of all keys; weights need not sum to anything."""
    whole = math.fsum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def field_key(found: object) -> bytes | None:
    """Return what is hashed of a field: text as it is, other scalars as JSON; None for what is no scalar.

    A whole number is the same with and without a decimal point, as in matches.
    """
    if isinstance(found, str):
        return found.encode(errors="replace")
    if isinstance(found, float) and found.is_integer() and abs(found) <= _EXACT:
        return str(int(found)).encode()
    return msgspec.json.encode(found) if isinstance(found, bool | int | float) else None
