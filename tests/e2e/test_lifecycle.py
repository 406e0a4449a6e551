"""The scripts: a start that says what it does, a second one that is harmless, a stop without a trace, a resumption."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from penstock.deployables import INPUT_ADAPTER
from tests.e2e.conftest import AFTER_PER_FORM, PER_FORM
from tests.e2e.events import SOURCES
from tests.e2e.stack import JOBS, LIMIT_S
from tests.e2e.verdicts import faults, out_of_order

if TYPE_CHECKING:
    from tests.e2e.conftest import Outdated, Resumed, StartedAgain, Stopped
    from tests.e2e.kills import Killed
    from tests.e2e.stack import Said

pytestmark = pytest.mark.timeout(LIMIT_S)


def test_start_tells_its_steps(started: Said) -> None:
    """A line for each, with the time that has passed, and what to do next."""
    for step in ("build the wheel", "Kafka answers", "make the topics", "submit the jobs", "their workers are ready"):
        assert re.search(rf"^{step} \.+ .+\[\d+\.\d s\]$", started.text, re.MULTILINE), started.text
    workers = 2 * (len(JOBS) + 1)  # the PMML job has some apart for shadows
    for outcome in ("version 1 published", "input_adapter, pmml_job, output_adapter", f" {workers} workers"):
        assert outcome in started.text
    assert "penstock tail" in started.text


def test_start_of_what_runs_is_harmless(started_again: StartedAgain) -> None:
    """Every process is the same afterwards, and nothing is submitted again."""
    assert started_again.after == started_again.before
    assert all(started_again.before.values()), started_again.before
    assert started_again.said.text.count("they run") == 2, started_again.said.text


def test_stop_leaves_no_trace_but_the_data(stopped: Stopped) -> None:
    """No process and no open port."""
    assert (stopped.processes, stopped.ports) == ([], {})
    assert stopped.data


def test_start_after_a_stop_goes_on_where_it_was(killed: Killed, resumed: Resumed) -> None:
    """All results are still there, none of the old events is scored again, and new ones are."""
    old = PER_FORM * len(SOURCES) + len(killed.stream.sent)

    assert sum(resumed.kept.values()) >= old, resumed.kept
    assert resumed.stream.found.keys() == resumed.stream.sent.keys()
    assert {len(records) for records in resumed.stream.found.values()} == {1}
    assert len(resumed.stream.sent) == AFTER_PER_FORM * len(SOURCES)
    assert faults(resumed.stream, resumed.explain) == []
    assert out_of_order(resumed.stream) == []


def test_jobs_that_end_while_events_flow_do_nothing_twice(resumed: Resumed) -> None:
    """The next ones go on where the last checkpoint was, also for what came with it."""
    counts = Counter(len(resumed.interrupted.found[one]) for one in resumed.interrupted.sent)
    assert counts == {1: len(resumed.interrupted.sent)}


def test_start_after_a_stop_makes_nothing_twice(resumed: Resumed) -> None:
    """Nothing is downloaded, installed or made again."""
    assert not re.search("installing|fetching", resumed.said.text), resumed.said.text
    assert re.search(r"make the topics \.+ 0 new", resumed.said.text), resumed.said.text


def test_start_with_a_newer_file_changes_nothing(outdated: Outdated) -> None:
    """It is told who publishes it; the jobs, of which the document is no part, are left alone."""
    version = outdated.version
    told = f"version {version} in force, routing.yaml is another, version {version + 1}: 'penstock apply' publishes it"

    assert told in outdated.newer_file.text
    assert "submit the jobs .................. they run" in outdated.newer_file.text
    assert outdated.jobs[1] == outdated.jobs[0]


def test_start_replaces_the_job_whose_sources_are_others(outdated: Outdated) -> None:
    """It reads the topics that it was submitted with; the other jobs go on."""
    said = outdated.other_sources.text

    assert f"version {outdated.version + 2} in force" in said
    assert re.search(r"^submit the jobs \.+ input_adapter  ", said, re.MULTILINE), said
    assert {name for name, job_id in outdated.jobs[2].items() if job_id != outdated.jobs[1][name]} == {
        INPUT_ADAPTER.job_name
    }


def test_demo_comes_and_goes_with_a_start(outdated: Outdated) -> None:
    """It needs no stop of the stack."""
    assert re.search(r"^start the demo \.+ 3 events/s", outdated.newer_file.text, re.MULTILINE)
    assert re.search(r"^end the demo \.+ done", outdated.other_sources.text, re.MULTILINE)


def test_purge_deletes_the_data(purged: Stopped) -> None:
    """Nor is any process or port left."""
    assert (purged.processes, purged.ports) == ([], {})
    assert not purged.data
