"""The sample models' files fit together, and the demo's events have golden answers."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
DEMO_EVENTS = ROOT / "penstock" / "demo_events"
PNG = b"\x89PNG\r\n\x1a\n"


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file with a line of JSON each."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("path", sorted(MODELS.glob("*/*/descriptor.yaml")), ids=lambda path: path.parts[-3])
def test_digest_is_the_files(path: Path) -> None:
    """Whoever makes a model anew commits its descriptor, too."""
    descriptor = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert descriptor["sha256"] == hashlib.sha256((path.parent / descriptor["uri"]).read_bytes()).hexdigest()


def test_sentences_come_out_the_same_again(tmp_path: Path) -> None:
    """They are committed, and made by nothing but a seed."""
    subprocess.run([sys.executable, MODELS / "sentences.py", "--out", tmp_path], check=True, timeout=120)

    assert (tmp_path / "tweets.jsonl").read_bytes() == (DEMO_EVENTS / "tweets.jsonl").read_bytes()
    assert (tmp_path / "sentences.csv").read_bytes() == (MODELS / "sentiment" / "sentences.csv").read_bytes()


def test_every_tweet_has_a_golden_answer() -> None:
    """Mostly the label that it was made with, which no model knows for sure."""
    golden = {row["input"]["text"]: row["outputs"] for row in lines(MODELS / "sentiment" / "1" / "golden.jsonl")}
    tweets = lines(DEMO_EVENTS / "tweets.jsonl")

    right = [golden[tweet["text"]]["sentiment"] == tweet["sentiment"] for tweet in tweets]
    assert len(right) == 500
    assert sum(right) / len(right) > 0.9


def test_tweets_are_not_what_the_model_has_learnt() -> None:
    """Else the golden answers would say little."""
    learnt = (MODELS / "sentiment" / "sentences.csv").read_text(encoding="utf-8")

    assert not [tweet for tweet in lines(DEMO_EVENTS / "tweets.jsonl") if f"\n{tweet['text']}," in learnt]


def test_every_image_has_a_golden_answer() -> None:
    """Each is a PNG file; mostly the digit is recognised."""
    rows = lines(MODELS / "image-classifier" / "1" / "golden.jsonl")
    golden = {row["input"]["image_bytes"]["b64"]: row["outputs"] for row in rows}
    images = lines(DEMO_EVENTS / "images.jsonl")

    right = [golden[image["png"]]["label"] == image["digit"] for image in images]
    assert len(right) == 360
    assert sum(right) / len(right) > 0.9
    assert all(base64.b64decode(image["png"]).startswith(PNG) for image in images)
