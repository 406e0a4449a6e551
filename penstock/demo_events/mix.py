"""Events of several kinds in turn, each with the topic that it is for. Pure."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from penstock import iris
from penstock.demo_events import images, tweets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from penstock.iris import Event, Recipe

__all__ = ["Addressed", "Kind", "mixed", "topic_of"]


class Kind(StrEnum):
    """What an event is about."""

    IRIS = "iris"
    TWEETS = "tweets"
    IMAGES = "images"


class Addressed(NamedTuple):
    """An event, its kind, and the topic that it is for."""

    kind: Kind
    topic: str
    event: Event


_MAKERS: Mapping[Kind, Callable[[Recipe], Iterator[Event]]] = {
    Kind.IRIS: iris.events,
    Kind.TWEETS: tweets.events,
    Kind.IMAGES: images.events,
}
_TOPICS: Mapping[Kind, str] = {Kind.TWEETS: tweets.TOPIC, Kind.IMAGES: images.TOPIC}


def topic_of(kind: Kind, recipe: Recipe) -> str:
    """Return the demo's topic for events of a kind."""
    return _TOPICS.get(kind) or iris.DEMO_TOPICS[recipe.form]


def mixed(kinds: Sequence[Kind], recipe: Recipe) -> Iterator[Addressed]:
    """Return the events of a recipe, of each kind in turn: ``count`` counts all of them together.

    Each kind's events are those that it would have alone.
    """
    endless = replace(recipe, count=0)
    each = [(kind, topic_of(kind, recipe), _MAKERS[kind](endless)) for kind in kinds]

    def turns() -> Iterator[Addressed]:
        while True:
            for kind, topic, events in each:
                yield Addressed(kind, topic, next(events))

    return islice(turns(), recipe.count or None)
