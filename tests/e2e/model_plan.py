"""What happens to models in a storm: a hundred operations, drawn by a seed, and what is registered after each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

__all__ = ["BAD", "CALM", "MIX", "MOVED", "SLOW", "Act", "Name", "Operation", "number_of", "pinned", "plan", "start"]

#: Models that nothing happens to: theirs is the latency that others' swaps must not touch.
CALM = tuple(f"calm-{number}" for number in range(4))
#: Models that change.
MOVED = tuple(f"moved-{number}" for number in range(8))


class Act(StrEnum):
    """What is done to a model."""

    ADD = "add"
    """A version that nobody means yet but those who name it."""
    UPDATE = "update"
    """A version that is live at once."""
    LIVE = "live"
    """Another version that is there becomes live again."""
    DELETE = "delete"
    """A version that no route means."""
    FORCE = "delete --force"
    """The live version."""
    BROKEN = "broken file"
    DIGEST = "wrong digest"
    VANISHED = "vanished URI"
    REFUSED = "refused by the engine"
    SLOW = "slow store"
    """A version that is live at once, from a store that takes 20 s to answer."""


BAD = frozenset({Act.BROKEN, Act.DIGEST, Act.VANISHED, Act.REFUSED})
"""Versions that can never be served."""
MIX = {
    Act.ADD: 40,
    Act.UPDATE: 20,
    Act.LIVE: 15,
    Act.DELETE: 5,
    Act.FORCE: 5,
    Act.BROKEN: 4,
    Act.DIGEST: 4,
    Act.VANISHED: 3,
    Act.REFUSED: 3,
    Act.SLOW: 1,
}
SLOW = MOVED[0]
"""The model whose update is slow; nothing else happens to it, so that it is seen what is served meanwhile."""
#: Among the first, so that it is over before the storm is.
_SLOW_AT = 10
_NEW = BAD | {Act.ADD, Act.UPDATE, Act.SLOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What is registered of a model."""

    name: str
    versions: frozenset[int] = frozenset({1})
    live: int = 1
    """As the pointer says."""
    previous: int | None = None
    bad: frozenset[int] = frozenset()
    """Versions, of those ever registered, that cannot be served."""

    @property
    def serving(self) -> tuple[int, ...]:
        """What a bare name means: the live version, then the previous one; the highest where both are gone."""
        pointed = tuple(one for one in (self.live, self.previous) if one in self.versions)
        return pointed or tuple(sorted(self.versions)[-1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One of the hundred."""

    act: Act
    name: str
    version: int
    after: Name
    """What is registered of the model then."""

    @property
    def points(self) -> bool:
        """Whether it makes a version live."""
        return self.act in {Act.UPDATE, Act.LIVE, Act.SLOW}

    @property
    def registers(self) -> bool:
        """Whether it brings a version."""
        return self.act in _NEW

    @property
    def ref(self) -> str:
        """The version that it is about."""
        return f"{self.name}:{self.version}"


def number_of(name: str) -> int:
    """A model's number, by which its answers are told from others'."""
    return 1 + (CALM + MOVED).index(name)


def start() -> dict[str, Name]:
    """What is registered before anything happens: the first version of each model, live."""
    return {name: Name(name=name) for name in CALM + MOVED}


def pinned(operations: Sequence[Operation]) -> list[str]:
    """Return the new versions that routes name: all but those that are deleted because no route does."""
    unrouted = {one.ref for one in operations if one.act is Act.DELETE}
    return [one.ref for one in operations if one.registers and one.ref not in unrouted]


def plan(chance: Random) -> Iterator[Operation]:
    """Draw the operations in their order; one that cannot be done yet comes later."""
    acts = [act for act, count in MIX.items() for _ in range(count) if act is not Act.SLOW]
    chance.shuffle(acts)
    acts.insert(_SLOW_AT, Act.SLOW)
    now, newest = start(), dict.fromkeys(CALM + MOVED, 1)
    while acts:
        act = next(each for each in acts if _possible(each, now))
        acts.remove(act)
        name = chance.choice(_possible(act, now))
        state = now[name]
        if act in _NEW:
            newest[name] += 1
            version = newest[name]
        else:
            version = chance.choice(_candidates(act, state))
        now[name] = _after(state, act, version)
        yield Operation(act=act, name=name, version=version, after=now[name])


def _possible(act: Act, now: dict[str, Name]) -> list[str]:
    """Models that it can be done to."""
    if act is Act.SLOW:
        return [SLOW]
    return [name for name in MOVED if name != SLOW and (act in _NEW or _candidates(act, now[name]))]


def _candidates(act: Act, state: Name) -> list[int]:
    """Versions that something that is no addition can be done to."""
    good = sorted(state.versions - state.bad)
    match act:
        case Act.LIVE:
            return [version for version in good if version != state.live]
        case Act.DELETE:
            return [version for version in sorted(state.versions) if version not in state.serving]
        case _:
            return [state.live] if state.live in state.versions and len(good) > 1 else []


def _after(state: Name, act: Act, version: int) -> Name:
    if act in _NEW:
        state = replace(state, versions=state.versions | {version})
    if act in BAD:
        return replace(state, bad=state.bad | {version})
    if act in {Act.UPDATE, Act.SLOW, Act.LIVE}:
        previous = state.serving[0]
        return replace(state, live=version, previous=None if previous == version else previous)
    if act in {Act.DELETE, Act.FORCE}:
        return replace(state, versions=state.versions - {version})
    return state
