"""Results: the turns of all programs, summed up as plain data with medians and ratios to the references of the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.delays import Summary
    from benchmarks.programs import Program
    from benchmarks.throughput import Throughput

__all__ = ["Measured", "throughput_of", "together"]


@dataclass(slots=True, kw_only=True)
class Measured:
    """What was measured of one program so far."""

    program: Program
    events: int = 0
    turns: list[Throughput] = field(default_factory=list)
    delays: dict[int, Summary] = field(default_factory=dict)
    skipped: str = ""
    """Why there is less than was asked for."""


def throughput_of(turn: Throughput) -> dict[str, float]:
    """Return a turn's figures."""
    return {**asdict(turn), "program_us": turn.program_us}


def together(measured: Mapping[str, Measured]) -> list[dict[str, Any]]:
    """Return what is known of each program, by itself and beside its references."""
    return [_one(found, measured) for found in measured.values()]


def _one(found: Measured, measured: Mapping[str, Measured]) -> dict[str, Any]:
    program = found.program
    entry: dict[str, Any] = {"name": program.name, "title": program.title, "events": found.events}
    if found.skipped:
        entry["skipped"] = found.skipped
    references = {
        column: measured[name] for column, name in program.compared.items() if name in measured and name != program.name
    }
    if found.turns:
        rounds = [throughput_of(turn) for turn in found.turns]
        entry["throughput"] = {
            **_medians(rounds),
            "rounds": rounds,
            "ratios": {
                column: _ratios(found.turns, reference.turns)
                for column, reference in references.items()
                if reference.turns
            },
        }
    if found.delays:
        entry["latency"] = {
            str(rate): {
                **asdict(summary),
                "ratios": {
                    column: _delay_ratios(summary, reference.delays[rate])
                    for column, reference in references.items()
                    if rate in reference.delays
                },
            }
            for rate, summary in sorted(found.delays.items())
        }
    return entry


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(turn[name] for turn in rounds) for name in rounds[0]}


def _ratios(turns: list[Throughput], others: list[Throughput]) -> dict[str, float]:
    """Divide round by round, then take medians: what disturbs a whole round disturbs both sides of it."""
    pairs = list(zip(turns, others, strict=False))
    return {
        "events_per_s": median(mine.events_per_s / other.events_per_s for mine, other in pairs),
        "program_us": median(mine.program_us / max(other.program_us, 0.01) for mine, other in pairs),
    }


def _delay_ratios(mine: Summary, other: Summary) -> dict[str, float]:
    return {name: getattr(mine, name) / getattr(other, name) for name in ("p50", "p95", "p99")}
