"""``penstock apply`` against a real broker, with workers that like what they get or do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock import topics
from penstock.cli.exits import Exit
from penstock.control import history, portable
from penstock.control.worker import Worker
from penstock.errors import ModelRefError
from penstock.testing import builders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Installation

    from penstock.control.documents import LiveDocument


@pytest.fixture
def installed(make_installation: Callable[..., Installation]) -> Installation:
    """An installation whose control topics are there."""
    found = make_installation(**{"control.heartbeat_ms": 300})
    topics.ensure(found.cluster, topics.internal_topics(found.settings))
    return found


@pytest.fixture
def written(installed: Installation, tmp_path: Path) -> Callable[..., str]:
    """Write a routing document to a file; topics are this test's own."""

    def write(version: int, **changes: Any) -> str:
        route = builders.route(output={"topic": f"scores-{installed.ending}"})
        file = tmp_path / f"routing-{version}.yaml"
        made = builders.document(**{"version": version, "routes": [route], **changes})
        file.write_text(made.model_dump_json(exclude_none=True), encoding="utf-8")
        return str(file)

    return write


@pytest.fixture
def worker(installed: Installation, written: Callable[..., str]) -> Iterator[set[int]]:
    """A worker that began with version 1; returns the versions that it is to refuse."""
    refused: set[int] = set()

    def use(live: LiveDocument) -> None:
        if live.version in refused:
            raise ModelRefError("x", "no")

    installed.run("apply", written(1))
    one = Worker(portable.pack(installed.settings), "input_adapter", use)
    one.start()
    yield refused
    one.close()


def test_document_is_in_force_when_it_returns(
    installed: Installation, written: Callable[..., str], worker: set[int]
) -> None:
    """Its topics are there, every worker has it, and the table says so."""
    said = installed.run("apply", written(2)).stdout
    current = history.current(installed.settings)

    assert current
    assert current.version == 2
    assert said.splitlines()[0].split() == ["WORKER", "VERSION", "ANSWER", "REASONS"]
    assert said.splitlines()[1].split()[1:] == ["2", "applied", "-"]
    topic = topics.Topic(name=f"scores-{installed.ending}", partitions=1, replication_factor=1)
    assert topics.ensure(installed.cluster, [topic]) == ()


def test_worker_that_rejects_is_status_1(
    installed: Installation, written: Callable[..., str], worker: set[int]
) -> None:
    """With its reason; it goes on with the document before."""
    worker.add(2)
    said = installed.run("apply", written(2), expect=Exit.FAILED).stdout

    assert said.splitlines()[1].split(maxsplit=3)[1:] == ["1", "rejected", "'x' is no model ref: no"]


def test_stale_and_broken_documents_are_not_published(installed: Installation, written: Callable[..., str]) -> None:
    """What no worker would take costs nobody a look."""
    installed.run("apply", written(3))
    stale = installed.run("apply", written(2), expect=Exit.FAILED)
    same = installed.run("apply", written(3))

    assert "its version is 2, expected more than 3, which is in force; raise it to 4" in stale.stderr
    assert "no worker is at work" in same.stdout
    assert len(history.history(installed.settings)) == 2


def test_other_sources_are_told(installed: Installation, written: Callable[..., str]) -> None:
    """They take a new submission."""
    installed.run("apply", written(1))
    source = {"topic": f"more-{installed.ending}", "format": "json", "type": {"field": "type"}}
    said = installed.run("apply", written(2, sources=[source])).stdout

    assert "its sources are others: 'penstock up' submits the input adapter again" in said
