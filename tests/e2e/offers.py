"""Messages for the routing topic as they may come while everything runs: good documents, and four bad sorts."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import yaml

from penstock.control.messages import VerdictKind
from tests.e2e.events import ID
from tests.e2e.reference import DEMO, WHEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

__all__ = ["BAD", "NEW_TOPICS", "Offer", "Sort", "document", "offers", "shadowed"]

NEW_TOPICS = tuple(f"storm-{number}-results" for number in range(8))
"""Outputs that no topic is there for when a document first names them."""
_CLASSIFIERS = ("iris-tree:1", "iris-forest", "iris-logistic:1")
_LABELLED = ("iris", "iris-forest", "iris-logistic")
_WEIGHTS = (0, 1, 2.5, 10, 40, 90)


class Sort(StrEnum):
    """What a message is."""

    GOOD = "good"
    BROKEN = "broken"
    """No document, or one with faults."""
    HALF = "half-written"
    """The beginning of what would be the next good document."""
    STALE = "stale"
    """A good document whose version is over."""
    DUPLICATE = "duplicate"
    """The document in force, once more."""


BAD = tuple(sort for sort in Sort if sort is not Sort.GOOD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One message."""

    sort: Sort
    value: bytes | None
    document: dict[str, Any]
    """What is in force once every worker has answered."""

    @property
    def version(self) -> int:
        """The version in force, once every worker has answered."""
        return int(self.document["version"])

    @property
    def verdict(self) -> VerdictKind:
        """What every worker must answer."""
        answers = {Sort.GOOD: VerdictKind.APPLIED, Sort.DUPLICATE: VerdictKind.DUPLICATE}
        return answers.get(self.sort, VerdictKind.REJECTED)


def offers(chance: Random, current: dict[str, Any], good: int, bad: int) -> Iterator[Offer]:
    """Make so many good documents after the current one, of growing versions, with so many bad ones among them."""
    sorts = [Sort.GOOD] * good + [BAD[number % len(BAD)] for number in range(bad)]
    chance.shuffle(sorts)
    earlier = [current]
    for number, sort in enumerate(sorts):
        if sort is Sort.GOOD:
            current = document(
                chance, current["version"] + chance.choice([1, 1, 1, 7]), new_topic=number * 8 // len(sorts)
            )
            earlier.append(current)
        yield Offer(sort=sort, value=_written(chance, sort, earlier), document=current)


def document(chance: Random, version: int, *, new_topic: int | None = None) -> dict[str, Any]:
    """Make a good document that differs from the demo's, in weights, models, shadows, conditions, routes and outputs.

    Args:
        chance: decides.
        version: the document's.
        new_topic: number of a new output that it may have; left out, all types of the demo have a route and no new one.
    """
    made = copy.deepcopy(DEMO) | {"version": version}
    for route in made["routes"]:
        if route["name"] in _LABELLED:
            _vary(chance, route)
    more = []
    if chance.random() < 0.5:
        match: dict[str, Any] = {"type": "iris"}
        condition: dict[str, Any] = {"when": chance.choice(list(WHEN))}
        if chance.random() < 0.5:
            match["field"] = {"sepal_length": {chance.choice(["gt", "gte"]): 5.8}}
            condition = {}
        model = chance.choice(_CLASSIFIERS)
        more.append({"name": "some", "match": match, **condition, **_scored(model, "iris-results")})
    if new_topic is not None and chance.random() < 0.5:
        audit = {"name": "audit", "match": {"type": ["iris", "iris-forest"]}, "continue": True}
        more.append({**audit, **_scored("iris-logistic", NEW_TOPICS[new_topic])})
    if new_topic is not None and chance.random() < 0.2:
        made["routes"] = [route for route in made["routes"] if route["name"] != "iris-logistic"]
    made["routes"] = [*more, *made["routes"]]
    return made


def shadowed(live: dict[str, Any], version: int) -> dict[str, Any]:
    """Make the next document, whose first route has a shadow, so that the workers for shadows begin, too."""
    first, *others = copy.deepcopy(live["routes"])
    return {**live, "version": version, "routes": [{**first, "shadow": [{"model": "iris-logistic"}]}, *others]}


def _vary(chance: Random, route: dict[str, Any]) -> None:
    if chance.random() < 0.8:
        route.pop("model", None)
        names = chance.sample(["champion", "challenger", "third"], chance.choice([2, 3]))
        variants: list[dict[str, Any]] = [
            {"name": name, "weight": chance.choice(_WEIGHTS), "model": chance.choice(_CLASSIFIERS)} for name in names
        ]
        variants[0]["weight"] = 30
        route["split"] = {"variants": variants}
        by = chance.choice(["key", "key", "event", {"field": "id"}, {"field": "sepal_width"}, {"header": ID}])
        if by != "key":
            route["split"]["by"] = by
        if chance.random() < 0.3:
            route["split"]["salt"] = f"salt-{chance.randrange(5)}"
        if chance.random() < 0.3:
            route["split"]["overrides"] = {f"k{number}": chance.choice(names) for number in range(5)}
    if chance.random() < 0.4:
        shadow: dict[str, Any] = {"model": chance.choice(_CLASSIFIERS), "percent": chance.choice([1, 10, 33.3])}
        if chance.random() < 0.5:
            shadow["name"] = "dark"
        route["shadow"] = [shadow]


def _scored(model: str, topic: str) -> dict[str, Any]:
    """What a route of the demo does with its events, with another model and topic."""
    like = DEMO["routes"][0]
    return {"transform": like["transform"], "model": model, "output": {**like["output"], "topic": topic}}


def _written(chance: Random, sort: Sort, earlier: list[dict[str, Any]]) -> bytes | None:
    """A message's value; the last document is the one in force."""
    current = earlier[-1]
    follower = document(chance, current["version"] + 1)
    match sort:
        case Sort.HALF:
            text = _text(chance, follower)
            end = text.find("models:")  # without the end of its models, one in YAML could still be whole
            return text[: chance.randrange(1, end if end > 0 else len(text))].encode()
        case Sort.STALE:
            older = {**follower, "version": current["version"]} if len(earlier) == 1 else chance.choice(earlier[:-1])
            return _text(chance, chance.choice([older, {**follower, "version": current["version"]}])).encode()
        case Sort.BROKEN:
            return chance.choice(_broken(follower))
        case _:
            return _text(chance, current).encode()


def _text(chance: Random, made: dict[str, Any]) -> str:
    return chance.choice([json.dumps(made), yaml.safe_dump(made, sort_keys=False)])


def _broken(follower: dict[str, Any]) -> list[bytes | None]:
    unknown_key = {**follower, "rules": []}
    no_job = {**follower, "models": {}}
    cycle = copy.deepcopy(follower)
    cycle["routes"][0]["output"]["topic"] = cycle["sources"][0]["topic"]
    faulty = [json.dumps(each).encode() for each in (unknown_key, no_job, cycle)]
    return [*faulty, None, b"", b"\xff\xfe\x00", b"[1, 2]", b"version: [", b"&a [*a, *a]", b"version: 99999\n"]
