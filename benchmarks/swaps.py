"""What events for one model wait for while others are swapped, and while a large one is loaded."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks import execution, latency

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.delays import Pace
    from benchmarks.own_stack import OwnStack
    from benchmarks.programs import Program

__all__ = ["PROGRAM", "RATE", "measured"]

PROGRAM = "pmml-tree"
"""Whose requests are looked at."""
RATE = 2_000
_PATIENCE_S = 120.0
#: They take turns: a machine that others use is not the same a minute later.
_ROUNDS = 3
_CHANGES = {"swap": "swaps", "load": "loads"}


def measured(own: OwnStack, program: Program, pool: Path, warm_up: Pace, pace: Pace) -> dict[str, Any]:
    """Measure delays at a rate: with nothing else, with a swap each half second, and with the load of 20 MB.

    Args:
        own: the stack.
        program: the PMML stage with one model.
        pool: its records.
        warm_up: before what counts.
        pace: how long each is measured, and at which rate.
    """
    with execution.executing(own, program, 0):
        latency.measure(own, program, pool, warm_up)
        latency.measure(own, program, pool, pace)  # a model's first thousands of requests are slower
        summaries: dict[str, list[dict[str, Any]]] = {name: [] for name in ("quiet", *_CHANGES.values())}
        took_s: dict[str, list[float]] = {change: [] for change in _CHANGES}
        for number in range(_ROUNDS):
            summaries["quiet"].append(asdict(latency.measure(own, program, pool, pace)))
            for change, name in _CHANGES.items():
                folder = own.layout.data / f"{change}-{number}"
                flags = ["--settings", str(own.settings_file(program)), "--change", change, "--folder", str(folder)]
                changing = execution.helper(own, "benchmarks.changing", *flags, until_told=True)
                try:
                    summaries[name].append(asdict(latency.measure(own, program, pool, pace)))
                finally:
                    took_s[change] += json.loads(execution.finished(changing, _PATIENCE_S))
    medians = {name: _medians(rounds) for name, rounds in summaries.items()}
    return {**medians, "rounds": summaries, **{f"{change}_s": took for change, took in took_s.items()}, "rate": RATE}


def _medians(rounds: list[dict[str, Any]]) -> dict[str, float]:
    """The median of each figure; what is missing is missing, whenever it was."""
    found = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    return {**found, "missing": sum(each["missing"] for each in rounds)}
