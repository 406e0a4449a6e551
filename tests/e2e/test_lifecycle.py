"""The scripts: a start that says what it does, a second one that is harmless, a stop without a trace, a resumption."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import AFTER_PER_FORM, PER_FORM
from tests.e2e.events import SOURCES
from tests.e2e.verdicts import faults, out_of_order

if TYPE_CHECKING:
    from tests.e2e.conftest import Resumed, StartedAgain, Stopped
    from tests.e2e.kills import Killed
    from tests.e2e.stack import Said

pytestmark = pytest.mark.timeout(1_800)  # whichever test comes first waits for the start


def test_start_tells_its_steps(started: Said) -> None:
    """A line for each, with the time that has passed, and what to do next."""
    for step in ("build the wheel", "Kafka answers", "make the topics", "submit the jobs", "their workers are ready"):
        assert re.search(rf"^{step} \.+ .+\[\d+\.\d s\]$", started.text, re.MULTILINE), started.text
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


def test_start_after_a_stop_makes_nothing_twice(resumed: Resumed) -> None:
    """Nothing is downloaded, installed or made again."""
    assert not re.search("installing|fetching", resumed.said.text), resumed.said.text
    assert re.search(r"make the topics \.+ 0 new", resumed.said.text), resumed.said.text


def test_purge_deletes_the_data(purged: Stopped) -> None:
    """Nor is any process or port left."""
    assert (purged.processes, purged.ports) == ([], {})
    assert not purged.data
