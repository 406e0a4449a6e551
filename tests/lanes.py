"""Two lanes: which tests stay together where ``make test`` runs two processes of pytest, and which go first.

What shares a stack, a broker or a mini-cluster is in one lane, or it would start twice. The longest goes first and the
rest fills the other lane, so that both end at about the same time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FIGURES", "LEVELS", "figures_of", "hand_over", "lane", "rank"]

LEVELS = ("unit", "architecture", "docs", "contract", "pmml", "spark", "shipping", "flink", "integration", "e2e")
"""Quick ones go first."""
FIGURES = pytest.StashKey[list[str]]()
"""What was measured by the way."""
#: Modules of tests/e2e that have a stack of their own; the others share one.
_OWN_STACK = ("test_models_live", "test_mix", "test_two_clusters", "test_readme")
#: Modules that take minutes, too: what is left in the end should be short, or one of the lanes stands idle.
_LONG = (*_OWN_STACK, "test_stack", "test_spark_job")
#: Takes twice as long as the next of them, which have room beside it.
_LONGEST = "test_models_live"
_IN_ONE = {"flink", "shipping", "pmml", "spark", "contract"}
_HANDED = "figures"


def lane(level: str, path: Path) -> str:
    """Return a name that all tests share that must not be torn apart."""
    if level == "e2e" and path.stem not in _OWN_STACK:
        return level
    return level if level in _IN_ONE else f"{level}/{path.stem}"


def rank(level: str, path: Path, *, lanes: bool) -> float:
    """Return a test's place among others: levels in their order; with two lanes what takes minutes goes earlier."""
    if lanes and path.stem in _LONG:
        return LEVELS.index("flink") - (0.75 if path.stem == _LONGEST else 0.5)
    return -1 if lanes and level == "e2e" else LEVELS.index(level)


def hand_over(config: pytest.Config) -> None:
    """Give the figures to the process that this one works for."""
    getattr(config, "workeroutput", {})[_HANDED] = config.stash.get(FIGURES, [])


def figures_of(node: object) -> list[str]:
    """Return the figures of a process that has ended."""
    output: dict[str, list[str]] = getattr(node, "workeroutput", {})
    return output.get(_HANDED, [])
