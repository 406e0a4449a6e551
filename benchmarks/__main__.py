"""The benchmark's command line: ``python -m benchmarks``."""

from __future__ import annotations

import json
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from benchmarks import machine, own_stack, report, swaps
from benchmarks.delays import Pace
from benchmarks.programs import PROGRAMS
from benchmarks.results import together
from benchmarks.run import Plan, Run
from penstock.cli.exits import Exit
from penstock.errors import PenstockError, PrerequisiteError

_FOLDER = Path(__file__).with_name("results")
_EVENTS, _QUICK_EVENTS = 1_500_000, 200_000
_ROUNDS, _QUICK_ROUNDS = 3, 1
_RATES, _QUICK_RATES = (200, 1000, 5000), (1000,)
#: Seconds that count and that come before them, at each rate.
_WINDOW, _QUICK_WINDOW = (10.0, 2.0), (4.0, 1.0)
#: By so much longer are swaps measured: a large model takes seconds to load.
_SWAPS_LONGER = 2
_WARM_UP_S, _QUICK_WARM_UP_S = 15.0, 4.0


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  python -m benchmarks
  python -m benchmarks --quick
  python -m benchmarks --only input-adapter --only python-loop --rounds 2 --no-latency
\b
Exit status: 0 all was measured, 1 a program could not be, 5 this machine lacks something,
6 the stack did not start.""",
)
@click.option("--quick", is_flag=True, help="A short run that shows that everything works; its figures mean little.")
@click.option(
    "--only",
    "names",
    multiple=True,
    type=click.Choice([program.name for program in PROGRAMS]),
    help="Measure this program; repeatable. Ratios need the references, too.",
)
@click.option("--events", type=click.IntRange(min=20_000), help=f"Backlog of the quick programs [{_EVENTS}].")
@click.option("--rounds", type=click.IntRange(min=1), help=f"Turns of each program [{_ROUNDS}].")
@click.option("--latency/--no-latency", default=True, help="Whether delays are measured, at 200, 1,000 and 5,000/s.")
@click.option("--sizes/--no-sizes", default=True, help="Whether documents of many routes are measured.")
@click.option("--models/--no-models", default=True, help="Whether many models, and swaps of them, are measured.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Results file [benchmarks/results/<date>.json]."
)
def main(*, quick: bool, names: tuple[str, ...], output: Path | None, **options: Any) -> None:
    """Measure every stage and the programs beside it, print tables, and write the results as JSON.

    It starts a broker and a Flink cluster of its own and touches no other. Leave the machine alone meanwhile.
    """
    rates, (seconds, settle_s) = (_QUICK_RATES, _QUICK_WINDOW) if quick else (_RATES, _WINDOW)
    warm_up = Pace(rate=1000, settle_s=0.0, seconds=_QUICK_WARM_UP_S if quick else _WARM_UP_S)
    paces = [Pace(rate=rate, settle_s=settle_s, seconds=seconds) for rate in rates]
    plan = Plan(
        programs=tuple(program for program in PROGRAMS if not names or program.name in names),
        events=options["events"] or (_QUICK_EVENTS if quick else _EVENTS),
        rounds=options["rounds"] or (_QUICK_ROUNDS if quick else _ROUNDS),
        paces=tuple(paces) if options["latency"] else (),
        warm_up=warm_up,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(Exit.INTERRUPTED))  # as Ctrl-C: the stack is taken down
    try:
        pace = Pace(rate=swaps.RATE, settle_s=settle_s, seconds=seconds * _SWAPS_LONGER) if options["models"] else None
        results = _measured(plan, pace, quick=quick, sizes=options["sizes"])
    except PenstockError as error:
        click.echo(f"Error: {error}", err=True)
        status = Exit.LACKING if isinstance(error, PrerequisiteError) else Exit.STEP_FAILED
        raise click.exceptions.Exit(status) from error
    file = output or _FOLDER / f"{datetime.now(UTC):%Y-%m-%dT%H%M}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    click.echo(
        f"\n{report.text(results)}\n\nwritten to {file}; into RESULTS.md: python -m benchmarks.report {file} --write"
    )
    if any("skipped" in entry for entry in results["programs"]):
        raise click.exceptions.Exit(Exit.FAILED)


def _measured(plan: Plan, swapping: Pace | None, *, quick: bool, sizes: bool) -> dict[str, Any]:
    began, started = time.monotonic(), datetime.now(UTC)
    settings = own_stack.own_settings()
    described = machine.describe(settings)
    with own_stack.running(settings) as own:
        run = Run(own, plan)
        if sizes:
            run.sizes()
        if swapping is not None:
            run.registry()
        run.prepare()
        if not quick:
            run.warm_up()
        for number in range(1, plan.rounds + 1):
            run.round(number)
        if swapping is not None:
            run.swaps(swapping)
    return {
        "started": f"{started:%Y-%m-%d %H:%M} UTC",
        "seconds": round(time.monotonic() - began),
        "options": {"events": plan.events, "rounds": plan.rounds, "quick": quick},
        "machine": described,
        "programs": together(run.measured),
        "memory_mib": run.memory_mib,
        "documents": run.documents,
        "models": run.models,
    }


if __name__ == "__main__":
    main()
