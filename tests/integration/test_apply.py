"""``penstock apply`` against a real broker, with workers that like what they get or do not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from penstock import topics
from penstock.cli import standing
from penstock.cli.exits import Exit
from penstock.control import history, portable
from penstock.control.publisher import publish
from penstock.control.worker import Worker
from penstock.errors import ModelRefError
from penstock.testing import builders
from tests.registered import at_work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Installation

    from penstock.control.documents import LiveDocument


@pytest.fixture
def installed(make_installation: Callable[..., Installation]) -> Installation:
    """An installation whose control topics are there."""
    found = make_installation()
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
    assert at_work(installed.settings)
    yield refused
    one.close()


def answers(said: str) -> list[list[str]]:
    """The table's rows, without the workers' names."""
    lines = said.splitlines()
    title = next(number for number, line in enumerate(lines) if line.startswith("WORKER"))
    return [line.split(maxsplit=3)[1:] for line in lines[title + 1 :]]


def test_document_is_in_force_when_it_returns(
    installed: Installation, written: Callable[..., str], worker: set[int]
) -> None:
    """Its topics are there, every worker has it, and the table says so."""
    said = installed.run("apply", written(2)).stdout
    current = history.current(installed.settings)

    assert current
    assert current.version == 2
    assert answers(said) == [["2", "applied", "-"]]
    assert "~ version: 1 -> 2" in said
    topic = topics.Topic(name=f"scores-{installed.ending}", partitions=1, replication_factor=1)
    assert topics.ensure(installed.cluster, [topic]) == ()


def test_what_became_of_a_document_is_a_line_for_programs(
    installed: Installation, written: Callable[..., str], worker: set[int]
) -> None:
    """Published or not, what it changes, and what each worker said; warnings are on standard error."""
    file = written(2, unmatched="drop")
    (dry,) = installed.lines("apply", file, "--dry-run")
    (done,) = installed.lines("apply", file)
    (same,) = installed.lines("apply", file, "--bump")
    (back,) = installed.lines("rollback", "1")

    told = [(each["published"], each["from"], each["version"]) for each in (dry, done, same, back)]
    assert told == [(False, 1, 2), (True, 1, 2), (False, 2, 3), (True, 2, 3)]
    assert {each["path"] for each in done["changes"]} == {"version", "unmatched"}
    answered = [[(one["version"], one["answer"]) for one in each["workers"]] for each in (dry, done, same, back)]
    assert answered == [[], [(2, "applied")], [], [(3, "applied")]]


def test_worker_that_rejects_is_status_1(
    installed: Installation, written: Callable[..., str], worker: set[int]
) -> None:
    """With its reason; it goes on with the document before."""
    worker.add(2)
    said = installed.run("apply", written(2), expect=Exit.FAILED).stdout

    assert answers(said) == [["1", "rejected", "'x' is no model ref: no"]]


def test_stale_and_broken_documents_are_not_published(installed: Installation, written: Callable[..., str]) -> None:
    """What no worker would take costs nobody a look."""
    installed.run("apply", written(3))
    stale = installed.run("apply", written(2), expect=Exit.FAILED)
    same = installed.run("apply", written(3))

    assert (
        "its version is 2, expected more than 3, which is in force; raise it to 4, or let --bump do so" in stale.stderr
    )
    assert "no worker is at work" in same.stdout
    assert len(history.history(installed.settings)) == 2


def test_other_sources_are_told(installed: Installation, written: Callable[..., str]) -> None:
    """They take a new submission."""
    installed.run("apply", written(1))
    source = {"topic": f"more-{installed.ending}", "format": "json", "type": {"field": "type"}}
    said = installed.run("apply", written(2, sources=[source])).stdout

    assert "its sources are others: 'penstock up' submits the input adapter again" in said


def test_dry_run_publishes_nothing(installed: Installation, written: Callable[..., str]) -> None:
    """It checks, and shows what would change."""
    installed.run("apply", written(1))
    said = installed.run("apply", written(2), "--dry-run").stdout

    assert "~ version: 1 -> 2" in said
    assert said.endswith("nothing was published\n")
    assert len(history.history(installed.settings)) == 1


def test_models_that_are_not_there_are_told(installed: Installation, written: Callable[..., str]) -> None:
    """Nobody is kept from publishing: the jobs may have them already, and for a shadow no user waits."""
    models = {"iris-tree": {"job": "pmml"}, "gone": {"job": "pmml"}}
    output = {"topic": f"scores-{installed.ending}"}
    dark = builders.route(output=output, shadow=[{"model": "gone", "name": "dark"}])
    shadowed = installed.run("apply", written(1, routes=[dark], models=models)).stderr
    routed = installed.run("apply", written(2, routes=[builders.route(output=output, model="gone")], models=models))

    assert "warning: the shadow 'dark' of route 'iris' names model 'gone': it is not registered" in shadowed
    assert "its copies become dead letters until it is registered, and users' events do not" in shadowed
    assert routed.stderr.startswith("warning: route 'iris' names model 'gone': it is not registered (there is none); ")
    assert len(history.history(installed.settings)) == 2


def test_bump_takes_the_next_version(installed: Installation, written: Callable[..., str]) -> None:
    """Whatever version the file has; what says nothing new is not published."""
    installed.run("apply", written(5))
    file = written(3, unmatched="drop")
    installed.run("apply", file, "--bump")
    again = installed.run("apply", file, "--bump").stdout
    current = history.current(installed.settings)

    assert current
    assert current.version == 6
    assert current.document.unmatched == "drop"
    assert "it says what the one in force says" in again
    assert len(history.history(installed.settings)) == 2


def test_faults_have_their_places(installed: Installation, tmp_path: Path) -> None:
    """Nothing is published of a document that has any."""
    file = tmp_path / "bad.yaml"
    file.write_text("version: 1\nsource: []\nroutes: []\nmodels: {}\n", encoding="utf-8")
    refused = installed.run("apply", str(file), expect=Exit.USAGE)

    assert f"{file}:2:1: source: unknown key 'source'; did you mean 'sources'?" in refused.stderr
    assert history.history(installed.settings) == []


def test_rollback_says_again_what_was_said_before(
    installed: Installation, written: Callable[..., str], worker: set[int]
) -> None:
    """As a new version; a second rollback takes the first one back."""
    installed.run("apply", written(2, unmatched="drop"))
    dry = installed.run("rollback", "--dry-run").stdout
    said = installed.run("rollback").stdout
    third = history.current(installed.settings)
    installed.run("rollback")
    fourth = history.current(installed.settings)

    assert dry.endswith("nothing was published\n")
    assert "from version 2, which is in force, to what version 1 says" in said
    assert answers(said) == [["3", "applied", "-"]]
    assert third
    assert fourth
    assert (third.version, third.document.unmatched) == (3, "dead-letter")
    assert (fourth.version, fourth.document.unmatched) == (4, "drop")


def test_rollback_to_what_is_not_there_is_refused(installed: Installation, written: Callable[..., str]) -> None:
    """With the versions that there are."""
    installed.run("apply", written(4))
    unknown = installed.run("rollback", "2", expect=Exit.FAILED)
    oldest = installed.run("rollback", expect=Exit.FAILED)

    assert "version 2 of the routing document is not among" in unknown.stderr
    assert "version 4, which is in force, is the oldest kept" in oldest.stderr


def test_history_tells_what_became_of_each_message(installed: Installation, written: Callable[..., str]) -> None:
    """Good, stale and broken ones; and gives the text of a version back."""
    first = written(1)
    installed.run("apply", first)
    publish(installed.settings, "version: [")
    installed.run("apply", written(2))
    lines = installed.run("history").stdout.splitlines()
    found = installed.lines("history")

    assert [entry["verdict"] for entry in found] == ["applied", "rejected", "applied"]
    assert [entry["in_force"] for entry in found] == [False, False, True]
    assert lines[0].split() == [
        "OFFSET",
        "PUBLISHED",
        "VERSION",
        "WHAT",
        "BECAME",
        "OF",
        "IT",
        "HOLDS,",
        "OR",
        "WHY",
        "NOT",
    ]
    assert "replaced" in lines[1]
    assert "is not YAML" in lines[2]
    assert "in force" in lines[3]
    assert installed.run("history", "--show", "1").stdout == Path(first).read_text(encoding="utf-8")
    assert len(installed.lines("history", "--count", "1")) == 1


def test_diff_compares_with_what_is_in_force(installed: Installation, written: Callable[..., str]) -> None:
    """Or with an earlier version."""
    installed.run("apply", written(1))
    installed.run("apply", written(2, unmatched="drop"))
    third = written(3)
    now = installed.run("diff", third).stdout
    earlier = installed.run("diff", third, "--from-version", "1").stdout

    assert '- unmatched: "drop"' in now
    assert "unmatched" not in earlier
    assert "~ version: 1 -> 3" in earlier


def test_standing_has_every_live_worker(installed: Installation, written: Callable[..., str], worker: set[int]) -> None:
    """With its version, and none that it has not answered; one that rejected the document is a fault."""
    installed.run("apply", written(2))
    well = standing.look(installed.settings)
    worker.add(3)
    installed.run("apply", written(3), expect=Exit.FAILED)
    refused = standing.look(installed.settings)

    assert well
    assert refused
    assert [(each.version, each.lag, each.verdict) for each in well.workers] == [(2, 0, "applied")]
    assert well.faults == []
    assert refused.version == 3
    assert "has version 2 in force, not 3: 'x' is no model ref: no" in refused.faults[0]
