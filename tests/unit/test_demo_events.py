"""The texts and images of ``penstock generate``, and mixes of them."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice

import pytest

from penstock.demo_events import images, tweets
from penstock.demo_events.mix import Kind, mixed, topic_of
from penstock.iris import Recipe
from penstock.iris import events as iris_events

MAKERS = {Kind.IRIS: iris_events, Kind.TWEETS: tweets.events, Kind.IMAGES: images.events}
RECIPE = Recipe(seed=7, count=300)


@pytest.mark.parametrize("kind", Kind)
def test_same_seed_gives_the_same_bytes(kind: Kind) -> None:
    """Two runs of one seed are equal byte for byte; another seed differs."""
    make = MAKERS[kind]

    assert list(make(RECIPE)) == list(make(RECIPE))
    assert list(make(RECIPE)) != list(make(Recipe(seed=8, count=300)))


def test_text_has_what_the_model_needs_and_more() -> None:
    """Its key is the user; texts are those of the table, which the sample model's golden answers have."""
    first, second = islice(tweets.events(RECIPE), 2)
    event = json.loads(first.value or b"")

    assert list(event) == ["id", "text", "user", "ts"]
    assert (event["id"], json.loads(second.value or b"")["id"]) == (1, 2)
    assert event["text"] in tweets.texts()
    assert first.key == event["user"].encode()


def test_image_is_png_and_says_so() -> None:
    """In a header, which is its request's content type."""
    for event in images.events(RECIPE):
        assert (event.value or b"").startswith(b"\x89PNG\r\n")
        assert event.headers == (("content-type", b"image/png"),)


@pytest.mark.parametrize("kind", [Kind.TWEETS, Kind.IMAGES])
def test_poison_leaves_the_good_events_as_they_were(kind: Kind) -> None:
    """Spoilt events are told apart, every kind of fault occurs, and the others equal those of a run without poison."""
    clean, spoilt = MAKERS[kind](RECIPE), MAKERS[kind](Recipe(seed=7, count=300, poison_percent=50))
    pairs = list(zip(clean, spoilt, strict=True))

    assert all(good == other for good, other in pairs if other.poison is None)
    assert all(good.value != other.value for good, other in pairs if other.poison is not None)
    assert len({other.poison for _, other in pairs}) == {Kind.TWEETS: 6, Kind.IMAGES: 4}[kind]


def test_kinds_take_turns() -> None:
    """The count is that of all together; each has its share, its own topic, and the events that it has alone."""
    found = list(mixed([*Kind], RECIPE))

    assert Counter(item.kind for item in found) == dict.fromkeys(Kind, 100)
    for kind in Kind:
        own = [item for item in found if item.kind is kind]
        assert {item.topic for item in own} == {topic_of(kind, RECIPE)}
        assert [item.event for item in own] == list(islice(MAKERS[kind](RECIPE), 100))
    assert len({topic_of(kind, RECIPE) for kind in Kind}) == len(Kind)


def test_mix_without_a_count_never_ends() -> None:
    """It goes on for as long as one asks."""
    assert len(list(islice(mixed([Kind.TWEETS], Recipe()), 2000))) == 2000
