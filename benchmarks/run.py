"""A run of the benchmark: backlogs first, then rounds in which every program has its turn."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from benchmarks import execution, latency, usage
from benchmarks.isolated import SkippedError
from benchmarks.programs import Jobs, Program
from benchmarks.results import Measured
from benchmarks.throughput import Backlog
from penstock.errors import PenstockError, StackError

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.delays import Pace
    from benchmarks.own_stack import OwnStack
    from benchmarks.workload import Work

__all__ = ["Plan", "Run"]

_WRITE_TIMEOUT_S = 300
_NAME_WIDTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure."""

    programs: tuple[Program, ...]
    events: int
    rounds: int
    paces: tuple[Pace, ...]


@dataclass(slots=True)
class Run:
    """A run on a stack."""

    own: OwnStack
    plan: Plan
    measured: dict[str, Measured] = field(default_factory=dict)
    memory_mib: dict[str, int] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make topics and settings of all programs, and the backlogs that they start with."""
        for program in self.plan.programs:
            self.measured[program.name] = Measured(program=program)
            self.own.install(program)
        backlogs = {program.source: program for program in self.plan.programs}
        for program in backlogs.values():
            began, count = time.monotonic(), int(self.plan.events * program.share)
            told = ["--bootstrap", self.own.bootstrap, "--topic", program.source, "--count", str(count)]
            self._help("benchmarks.writing", *told, "--pool", str(self._pool(program.work)))
            click.echo(f"backlog of {count:,} {program.work} ... [{time.monotonic() - began:.1f} s]")

    def round(self, number: int) -> None:
        """Give every program its turn; delays are measured in the last one, when a program has worked off its backlog.

        That way Java has compiled by then what it will, and no program is started twice.
        """
        for program in self.plan.programs:
            found = self.measured[program.name]
            if found.skipped:
                continue
            label = f"round {number}/{self.plan.rounds}  {program.name:<{_NAME_WIDTH}}"
            try:
                self._turn(program, found, number, label)
            except (PenstockError, SkippedError) as error:
                # One program that does not run here must not cost the figures of all others.
                found.skipped = str(error)
                click.echo(f"{label} skipped: {error}")

    def _turn(self, program: Program, found: Measured, number: int, label: str) -> None:
        began = time.monotonic()
        backlog = Backlog(self.own, program)
        try:
            with execution.executing(self.own, program, number) as check:
                turn = backlog.measure(check)
                found.events = backlog.size
                found.turns.append(turn)
                click.echo(
                    f"{label} {turn.events_per_s:>9,.0f} events/s  {turn.program_us:6.1f} us"
                    f"  broker {turn.broker_us:4.1f} us  [{time.monotonic() - began:.0f} s]"
                )
                if number == self.plan.rounds and program.latency and self.plan.paces:
                    backlog.drain(check)
                    self._delays(program, found)
            if isinstance(program.run, Jobs):
                backlog.refuse_dead_letters()
        finally:
            backlog.close()

    def _delays(self, program: Program, found: Measured) -> None:
        for pace in self.plan.paces:
            summary = latency.measure(self.own, program, self._pool(program.work), pace)
            found.delays[pace.rate] = summary
            click.echo(
                f"{'':11}{program.name:<{_NAME_WIDTH}} at {pace.rate:>5,}/s:"
                f" p50 {summary.p50:6.1f}  p95 {summary.p95:6.1f}  p99 {summary.p99:6.1f} ms"
                + (f"  {summary.missing} missing" if summary.missing else "")
            )
        if program.name == "end-to-end":
            parts = usage.resident_mib(self.own.layout)
            self.memory_mib = {**parts, "together": sum(parts.values())}

    def _pool(self, work: Work) -> Path:
        """Return the file of a kind's records, made when it is first asked for."""
        file = self.own.layout.data / "pools" / work
        if not file.is_file():
            file.parent.mkdir(exist_ok=True)
            told = ["--work", work, "--out", str(file), "--settings", str(self.own.layout.settings_file)]
            self._help("benchmarks.workload", *told)
        return file

    def _help(self, module: str, *arguments: str) -> None:
        process = execution.helper(self.own, module, *arguments)
        process.communicate(timeout=_WRITE_TIMEOUT_S)
        if process.returncode != 0:
            raise StackError(module, "", f"it ended with status {process.returncode}; its own words are above")
