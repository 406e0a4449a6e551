"""Of which topics the offsets in a checkpoint are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jobs.spark_job.checkpoints import Checkpoint
from jobs.spark_job.reading import Standing

if TYPE_CHECKING:
    from pathlib import Path

TOPICS = {"a": Standing("1", 2), "b": Standing("2", 2)}
ANEW = {**TOPICS, "b": Standing("3", 2)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Spark's own, which it has written."""
    found = tmp_path / "requests"
    found.mkdir()
    return found


def test_topics_that_stay_keep_their_offsets(folder: Path) -> None:
    """Whatever else comes, and whoever asks later."""
    assert Checkpoint(folder).begin(TOPICS) == []
    assert Checkpoint(folder).begin({**TOPICS, "c": Standing("9", 1)}) == []
    assert folder.exists()


def test_topic_that_was_made_anew_has_none(folder: Path) -> None:
    """Nor has any other: who is how far is known elsewhere; it is told once."""
    Checkpoint(folder).begin(TOPICS)
    later = Checkpoint(folder)
    assert later.made_anew(ANEW) == ["b"]
    assert later.begin(ANEW) == ["b"]
    assert not folder.exists()
    assert Checkpoint(folder).begin(ANEW) == []


def test_topic_that_is_gone_is_remembered(folder: Path) -> None:
    """As Spark may remember it."""
    found = Checkpoint(folder)
    found.begin(TOPICS)
    found.begin({"a": TOPICS["a"]})
    assert Checkpoint(folder).made_anew(ANEW) == ["b"]


def test_who_died_before_it_was_noted_finds_it_again(folder: Path) -> None:
    """Offsets are given up first, and may be gone by now."""
    Checkpoint(folder).begin(TOPICS)
    folder.rmdir()
    assert Checkpoint(folder).begin(ANEW) == ["b"]


def test_what_cannot_be_read_is_as_nothing(folder: Path) -> None:
    """The checkpoint is believed, as one of an earlier release."""
    Checkpoint(folder).begin(TOPICS)
    folder.with_name("requests.topics.json").write_text("{", encoding="utf-8")
    assert Checkpoint(folder).begin(ANEW) == []
    assert folder.exists()
