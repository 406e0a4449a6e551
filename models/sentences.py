"""Make short sentences of opinion, in the manner of tweets, each positive or negative by construction.

    python models/sentences.py [--out FOLDER]

Writes two files, of sentences that do not meet: `sentiment/sentences.csv`, which the sentiment model is trained on, and
`tweets.jsonl`, which the demo sends. They come from word lists and templates, seeded: every run gives the same files,
and they are free for everyone. Some sentences hold a word of the other side, so that no single word decides.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = Path(__file__).parent
DEMO_EVENTS = MODELS.parent / "penstock" / "demo_events"
SEED = 20240601
TRAINING = 2_000
DEMO = 500


class Side(NamedTuple):
    """The words of one opinion."""

    label: str
    verbs: tuple[str, ...]
    adjectives: tuple[str, ...]


NEGATIVE = Side(
    "negative",
    ("hate", "dislike", "regret", "avoid", "loathe"),
    (
        *("bad", "awful", "terrible", "boring", "poor", "dreadful", "useless", "slow"),
        *("rude", "broken", "ugly", "disappointing", "nasty", "noisy", "cold"),
    ),
)
POSITIVE = Side(
    "positive",
    ("love", "like", "enjoy", "recommend", "praise"),
    (
        *("great", "good", "wonderful", "excellent", "brilliant", "lovely", "superb", "fantastic"),
        *("pleasant", "helpful", "fast", "friendly", "reliable", "delicious", "beautiful"),
    ),
)
SIDES = (NEGATIVE, POSITIVE)
THINGS = (
    *("phone", "film", "book", "hotel", "meal", "train", "concert", "game"),
    *("camera", "coffee", "jacket", "lesson", "museum", "garden", "app"),
)
TEMPLATES = (
    "I {verb} this {thing}",
    "The {thing} was {adjective}",
    "What a {adjective} {thing}!",
    "{adjective} {thing} and {second} service",
    "We {verb} the {thing}, it is so {adjective}",
    "My {thing} is {adjective} and {second}",
    "Never had such a {adjective} {thing}",
    "The {thing} was {adjective}, but a bit {other}",
    "Not {other} at all, the {thing} is {adjective}",
)


def sentences(draw: random.Random) -> Iterator[tuple[str, str]]:
    """Yield sentences with their labels without end, both sides in turn; some come again."""
    while True:
        for side, opposite in (SIDES, SIDES[::-1]):
            text = draw.choice(TEMPLATES).format(
                verb=draw.choice(side.verbs),
                adjective=draw.choice(side.adjectives),
                second=draw.choice(side.adjectives),
                other=draw.choice(opposite.adjectives),
                thing=draw.choice(THINGS),
            )
            yield text[:1].upper() + text[1:], side.label


def different(count: int, draw: random.Random, taken: set[str]) -> list[tuple[str, str]]:
    """Return as many sentences that are not taken yet; they are afterwards."""
    found = []
    for text, label in sentences(draw):
        if len(found) == count:
            break
        if text not in taken:
            taken.add(text)
            found.append((text, label))
    return found


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description="Make the sentences for the sentiment model and for the demo.")
    parser.add_argument("--out", type=Path, help="folder to write both to, instead of their own places")
    out: Path | None = parser.parse_args().out
    draw, taken = random.Random(SEED), set[str]()  # noqa: S311  seeded words, nothing secret
    training, demo = different(TRAINING, draw, taken), different(DEMO, draw, taken)
    folder = out or MODELS / "sentiment"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "sentences.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("text", "sentiment"))
        writer.writerows(training)
    lines = (json.dumps({"text": text, "sentiment": label}) + "\n" for text, label in demo)
    (out or DEMO_EVENTS).joinpath("tweets.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
