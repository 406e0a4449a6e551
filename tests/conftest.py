"""What all levels share: a test's level is the folder it is in, and quick levels go first."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_LEVELS = ("unit", "architecture", "docs", "pmml", "shipping", "flink", "integration", "e2e")
_WITH_PROCESSES = {"integration", "e2e"}
#: Tests start dozens of Java machines that do little each: the quick compiler alone takes a third less of the time.
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let someone without the jars leave out what needs them; without the flag such tests fail, never skip."""
    parser.addoption("--skip-integration", action="store_true", help="leave out the levels that start real processes")


def pytest_configure() -> None:
    """Say to all Java that tests start, whoever starts it, how it is to compile; what a developer says stays."""
    os.environ.setdefault("JAVA_TOOL_OPTIONS", _JAVA_OPTIONS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test with its level; within a level the order stays random."""
    levels = {item: item.path.relative_to(Path(__file__).parent).parts[0] for item in items}
    for item, level in levels.items():
        item.add_marker(level)
        if level in _WITH_PROCESSES and config.getoption("--skip-integration"):
            item.add_marker(pytest.mark.skip(reason="left out by --skip-integration"))
    items.sort(key=lambda item: _LEVELS.index(levels[item]))
