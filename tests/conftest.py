"""What all levels share: a test's level is the folder it is in."""

from __future__ import annotations

from pathlib import Path

import pytest

_LEVELS = ("unit", "architecture", "docs", "flink", "shipping", "integration", "e2e")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let someone without Kafka's jars leave out what needs them; without the flag such tests fail, never skip."""
    parser.addoption("--skip-integration", action="store_true", help="leave out the levels that start real processes")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test with its level, in order from the quick levels to the slow ones."""
    here = Path(__file__).parent
    for item in items:
        level = item.path.relative_to(here).parts[0]
        item.add_marker(level)
        if level in {"integration", "e2e"} and config.getoption("--skip-integration"):
            item.add_marker(pytest.mark.skip(reason="left out by --skip-integration"))
