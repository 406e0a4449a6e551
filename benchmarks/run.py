"""A run of the benchmark: backlogs first, then rounds in which every program has its turn."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import click

from benchmarks import execution, latency, swaps, usage
from benchmarks.isolated import SkippedError
from benchmarks.programs import Jobs, Program
from benchmarks.results import Measured
from benchmarks.throughput import Backlog
from penstock.errors import PenstockError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.delays import Pace
    from benchmarks.own_stack import OwnStack
    from benchmarks.throughput import Throughput
    from benchmarks.workload import Work

__all__ = ["Plan", "Run"]

_HELPER_PATIENCE_S = 300.0
_NAME_WIDTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure."""

    programs: tuple[Program, ...]
    events: int
    rounds: int
    paces: tuple[Pace, ...]
    warm_up: Pace
    """Before the first pace. A backlog warms up what handles records; few records at a time take other ways in Java,
    which are slow until it has compiled them."""


@dataclass(slots=True)
class Run:
    """A run on a stack."""

    own: OwnStack
    plan: Plan
    measured: dict[str, Measured] = field(default_factory=dict)
    memory_mib: dict[str, int] = field(default_factory=dict)
    documents: dict[str, dict[str, float]] = field(default_factory=dict)
    """Figures of documents by the number of their routes."""
    models: dict[str, Any] = field(default_factory=dict)
    """What many models cost, and what a swap does."""

    def prepare(self) -> None:
        """Make topics and settings of all programs, and the backlogs that wait for them."""
        for program in self.plan.programs:
            self.measured[program.name] = Measured(program=program)
            self.own.install(program)
        backlogs = {program.source: program for program in self.plan.programs}
        for program in backlogs.values():
            began = time.monotonic()
            pool = self._pool(program.work)
            if not program.live:
                execution.finished(self._writer(program, pool), _HELPER_PATIENCE_S)
                click.echo(f"backlog of {self._size(program):,} {program.work} ... [{time.monotonic() - began:.1f} s]")

    def sizes(self) -> None:
        """Measure what the number of a document's routes costs, while nothing else runs."""
        began = time.monotonic()
        said = execution.finished(execution.helper(self.own, "benchmarks.sizes"), _HELPER_PATIENCE_S)
        self.documents = json.loads(said)
        click.echo(f"documents of {' and '.join(self.documents)} routes ... [{time.monotonic() - began:.1f} s]")

    def registry(self) -> None:
        """Measure what many models cost, while nothing else runs."""
        began = time.monotonic()
        said = execution.finished(execution.helper(self.own, "benchmarks.registry"), _HELPER_PATIENCE_S)
        self.models.update(json.loads(said))
        click.echo(f"many models ... [{time.monotonic() - began:.1f} s]")

    def swaps(self, pace: Pace) -> None:
        """Measure what events for one model wait for while others are swapped."""
        began = time.monotonic()
        program = next((program for program in self.plan.programs if program.name == swaps.PROGRAM), None)
        if program is None:
            return
        try:
            found = swaps.measured(self.own, program, self._pool(program.work), self.plan.warm_up, pace)
        except PenstockError as error:
            click.echo(f"swaps were not measured: {error}")
            return
        self.models["swaps"] = found
        click.echo(f"swaps of models ... [{time.monotonic() - began:.1f} s]")

    def warm_up(self) -> None:
        """Let each stage work off a backlog that does not count.

        They share a Java machine, which takes half a minute of work to reach its rate with what a stage does.
        """
        for program in self.plan.programs:
            if isinstance(program.run, Jobs) and not program.live:
                backlog = Backlog(self.own, program)
                try:
                    with execution.executing(self.own, program, 0) as check:
                        backlog.drain(check)
                except PenstockError as error:
                    click.echo(f"warm-up    {program.name:<{_NAME_WIDTH}} failed: {error}")  # its turns will tell
                else:
                    click.echo(f"warm-up    {program.name:<{_NAME_WIDTH}} done")
                finally:
                    backlog.close()

    def round(self, number: int) -> None:
        """Give every program its turn; delays are measured in the last one, when a program has worked off its backlog.

        That way Java is warm, and no program is started once more.
        """
        for program in self.plan.programs:
            found = self.measured[program.name]
            if found.skipped:
                continue
            label = f"round {number}/{self.plan.rounds}  {program.name:<{_NAME_WIDTH}}"
            try:
                self._turn(program, found, number, label)
            except (PenstockError, SkippedError) as error:
                found.skipped = str(error)
                click.echo(f"{label} skipped: {error}")
            except Exception as error:  # noqa: BLE001 however one program fails, the figures of the others stay
                traceback.print_exc()
                found.skipped = f"unexpected {type(error).__name__}: {error}"

    def _turn(self, program: Program, found: Measured, number: int, label: str) -> None:
        began = time.monotonic()
        backlog = Backlog(self.own, program)
        try:
            with execution.executing(self.own, program, number) as check:
                turn = self._live(program, backlog, check) if program.live else backlog.measure(check)
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

    def _live(self, program: Program, backlog: Backlog, check: Callable[[], None]) -> Throughput:
        """Write a backlog for a program whose every part has proved that it runs."""
        pool = self._pool(program.work)
        latency.measure(self.own, program, pool, self.plan.warm_up)
        backlog.expect(self._size(program))
        writer = self._writer(program, pool)
        turn = backlog.measure(check)
        execution.finished(writer, _HELPER_PATIENCE_S)
        return turn

    def _delays(self, program: Program, found: Measured) -> None:
        pool = self._pool(program.work)
        latency.measure(self.own, program, pool, self.plan.warm_up)
        for pace in self._paces(program):
            summary = latency.measure(self.own, program, pool, pace)
            found.delays[pace.rate] = summary
            click.echo(
                f"{'':11}{program.name:<{_NAME_WIDTH}} at {pace.rate:>5,}/s:"
                f" p50 {summary.p50:6.1f}  p95 {summary.p95:6.1f}  p99 {summary.p99:6.1f} ms"
                + (f"  {summary.missing} missing" if summary.missing else "")
            )
        if program.name == "end-to-end":
            parts = usage.resident_mib(self.own.layout)
            self.memory_mib = {**parts, "together": sum(parts.values())}

    def _paces(self, program: Program) -> tuple[Pace, ...]:
        """Return those of all programs, or the program's own rates, each as long as they."""
        return tuple(replace(self.plan.paces[0], rate=rate) for rate in program.rates) or self.plan.paces

    def _size(self, program: Program) -> int:
        return int(self.plan.events * program.share)

    def _writer(self, program: Program, pool: Path) -> subprocess.Popen[str]:
        """Start to write a backlog."""
        told = ["--bootstrap", self.own.bootstrap, "--topic", program.source, "--pool", str(pool)]
        return execution.helper(self.own, "benchmarks.writing", *told, "--count", str(self._size(program)))

    def _pool(self, work: Work) -> Path:
        """Return the file of a kind's records, made when it is first asked for."""
        file = self.own.layout.data / "pools" / work
        if not file.is_file():
            file.parent.mkdir(exist_ok=True)
            told = ["--work", work, "--out", str(file), "--settings", str(self.own.layout.settings_file)]
            execution.finished(execution.helper(self.own, "benchmarks.workload", *told), _HELPER_PATIENCE_S)
        return file
