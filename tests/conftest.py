"""What all levels share: a test's level is the folder it is in, and quick levels go first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import lanes, patience

if TYPE_CHECKING:
    from collections.abc import Iterator

_WITH_PROCESSES = {"integration", "e2e"}
#: Their tests end within pytest's own limit (`timeout`), or hang; the others wait for programs, on a busy machine too.
_QUICK = {"unit", "architecture", "docs"}
#: Tests start dozens of Java machines that do little each: the quick compiler alone takes a third less of the time.
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"
#: What runs there runs in processes of its own, where nothing is counted; here only events are sent and read.
_NOT_COUNTED = {"e2e"}

# The time of an example, or of making one, says more about what else the machine is doing than about the code.
settings.register_profile("penstock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("penstock")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let someone without the jars leave out what needs them; without the flag such tests fail, never skip."""
    parser.addoption("--skip-integration", action="store_true", help="leave out the levels that start real processes")


def pytest_configure() -> None:
    """Say to all Java that tests start, whoever starts it, how it is to compile; what a developer says stays."""
    os.environ.setdefault("JAVA_TOOL_OPTIONS", _JAVA_OPTIONS)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark every test with its level."""
    level = _level(item)
    item.add_marker(level)
    if level not in _QUICK and item.get_closest_marker("timeout") is None:
        item.add_marker(pytest.mark.timeout(patience.LEVEL_S))
    if level in _WITH_PROCESSES and item.config.getoption("--skip-integration"):
        item.add_marker(pytest.mark.skip(reason="left out by --skip-integration"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the levels in their order; within a level it stays random."""
    several = hasattr(config, "workerinput")
    items.sort(key=lambda item: lanes.rank(_level(item), item.path, lanes=several))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[object]:
    """Count no lines where that only costs time: it makes Python half as fast.

    Of a property, the first example runs the same lines as the next hundred; what it is about has plain tests, too.
    """
    counting = getattr(item.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if counting is None or (_level(item) not in _NOT_COUNTED and item.get_closest_marker("hypothesis") is None):
        return (yield)
    counting.pause()
    try:
        return (yield)
    finally:
        counting.resume()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Deal tests out by lanes, where there are several."""
    from tests.lane_scheduling import LaneScheduling

    return LaneScheduling(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what was measured, from a lane to the process that sums up."""
    lanes.hand_over(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take what a lane has measured."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]  # of a plugin without types
    config.stash.setdefault(lanes.FIGURES, []).extend(lanes.figures_of(node))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured by the way: figures are told, never asserted."""
    for line in config.stash.get(lanes.FIGURES, []):
        terminalreporter.write_line(line)


def _level(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]
