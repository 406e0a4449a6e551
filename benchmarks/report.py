"""Tables from results: for the terminal, and as the results part of RESULTS.md.

``python -m benchmarks.report FILE`` prints them, with ``--write`` it puts them into RESULTS.md too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchmarks import goals

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MARKS", "RESULTS", "inserted", "main", "markdown", "text"]

RESULTS = Path(__file__).with_name("RESULTS.md")
MARKS = ("<!-- results: written by benchmarks.report, not by hand -->", "<!-- end of results -->")
_MISSING = "-"
#: Of references whose figures are divided by, with the titles of their columns.
_REFERENCES = {
    "copy": "x copy",
    "loop": "x loop",
    "bytewax": "x bytewax",
    "scoring": "x scoring",
    "plain": "x plain",
}


class Table(NamedTuple):
    """A table of texts with what it is about."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def text(results: dict[str, Any]) -> str:
    """Lay results out for the terminal."""
    parts = ["\n".join(_machine(results))]
    parts += [f"{table.title}\n\n{_plain(table)}" for table in _tables(results)]
    parts += _skipped(results)
    return "\n\n".join(parts)


def markdown(results: dict[str, Any]) -> str:
    """Lay results out for RESULTS.md."""
    parts = ["\n".join(f"- {line}" for line in _machine(results))]
    parts += [f"### {table.title}\n\n{_marked_down(table)}" for table in _tables(results)]
    parts += _skipped(results)
    return "\n\n".join(parts)


def inserted(document: str, part: str) -> str:
    """Put the results part between its marks.

    Raises:
        ValueError: the document has no such marks.
    """
    before, begin, rest = document.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not begin or not end:
        raise ValueError(f"the document has no lines {MARKS[0]!r} and {MARKS[1]!r} to put the results between")
    return f"{before}{begin}\n\n{part}\n\n{end}{after}"


def _machine(results: dict[str, Any]) -> list[str]:
    machine, options = results["machine"], results["options"]
    return [
        f"{results['started']}, commit {machine['commit']}, {results['seconds'] / 60:.0f} minutes",
        f"{options['rounds']} rounds of up to {options['events']:,} events{', quick run' if options['quick'] else ''}",
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}",
        f"load of the machine when it began: {machine['load_at_start']}",
        ", ".join(f"{name} {number}" for name, number in machine["versions"].items()),
        ", ".join(f"{name} {value}" for name, value in machine["settings"].items()),
    ]


def _tables(results: dict[str, Any]) -> list[Table]:
    programs = results["programs"]
    models = results.get("models", {})
    tables = [
        _throughput(programs),
        _latency(programs),
        _documents(results),
        _mixed(models),
        _registry(models),
        _swaps(models),
        _memory(results),
        _goals(results),
    ]
    return [table for table in tables if table.rows]


def _throughput(programs: Sequence[dict[str, Any]]) -> Table:
    measured = [entry for entry in programs if "throughput" in entry]
    used = [name for name in _REFERENCES if any(name in entry["throughput"]["ratios"] for entry in measured)]
    rows = []
    for entry in measured:
        found = entry["throughput"]
        ratios = [found["ratios"].get(name, {}).get("events_per_s") for name in used]
        rates = [turn["events_per_s"] for turn in found["rounds"]]
        rows.append(
            [
                entry["title"],
                f"{found['events_per_s']:,.0f}",
                f"{min(rates) / 1000:,.0f}-{max(rates) / 1000:,.0f} k",
                *(f"{found[name]:.1f}" for name in ("program_us", "jvm_us", "compilers_us", "python_us", "broker_us")),
                *(_MISSING if ratio is None else f"{ratio:.2f}" for ratio in ratios),
                f"{found['other_cores']:.2f}",
            ]
        )
    columns = [
        "program",
        "events/s",
        "range",
        "us",
        "JVM",
        "(JIT)",
        "Python",
        "broker",
        *(_REFERENCES[name] for name in used),
    ]
    title = "Throughput (medians of the rounds; us of CPU per event: the program = JVM + Python, and the broker)"
    return Table(title, [*columns, "others"], rows)


def _latency(programs: Sequence[dict[str, Any]]) -> Table:
    rows = [
        [
            entry["title"] if index == 0 else "",
            f"{int(rate):,}",
            *(f"{found[share]:,.1f}" for share in ("p50", "p95", "p99", "worst")),
            *(_ratio(found["ratios"], name) for name in ("copy", "loop")),
            f"{found['missing']:,}",
            f"{found['writer_delay']:,.1f}",
        ]
        for entry in programs
        for index, (rate, found) in enumerate(entry.get("latency", {}).items())
    ]
    columns = ["program", "events/s", "p50", "p95", "p99", "worst", "p50 x copy", "p50 x loop", "missing", "writer"]
    return Table("Latency (ms, from the moment an event was due to its receipt)", columns, rows)


def _ratio(ratios: dict[str, dict[str, float]], name: str) -> str:
    return f"{ratios[name]['p50']:.2f}" if name in ratios else _MISSING


def _documents(results: dict[str, Any]) -> Table:
    names = ("json_load_s", "json_ready_s", "yaml_load_s", "yaml_ready_s", "router_us")
    rows = [
        [f"{int(count):,}", *(f"{figures[name]:.2f}" for name in names)]
        for count, figures in results.get("documents", {}).items()
    ]
    columns = ["routes", "JSON: read, checked, s", "in force, s", "YAML: read, checked, s", "in force, s"]
    return Table("Documents of many routes (CPU time, the core alone)", [*columns, "router, us per event"], rows)


def _mixed(models: dict[str, Any]) -> Table:
    found = models.get("mixed_us", {})
    sizes = [f"batches of {int(size):,}" for size in next(iter(found.values()), {})]
    rows = [[f"{int(count):,}", *(f"{each:.1f}" for each in figures.values())] for count, figures in found.items()]
    return Table("Requests for many models (us of CPU per request, the scorer alone)", ["models", *sizes], rows)


def _registry(models: dict[str, Any]) -> Table:
    registry, large = models.get("registry"), models.get("large")
    rows = []
    if registry:
        what = f"registry of {registry['models']:,} models, {registry['bytes'] / 1e6:.1f} MB, opened: CPU"
        rows.append([what, f"{registry['open_s']:.2f} s"])
    if large:
        rows.append([f"model of {large['mb']:.0f} MB, loaded beside scoring", f"{large['load_s']:.2f} s"])
        for key, text in (("quiet", "with nothing else"), ("loading", "meanwhile")):
            figures = ", ".join(f"{large[f'{key}_{share}']:.1f}" for share in (50, 99, 100))
            rows.append([f"batch of 50 of another model, {text}: p50, p99, worst", f"{figures} ms"])
    return Table("Registry, and a large model (the core alone)", ["what", "found"], rows)


def _swaps(models: dict[str, Any]) -> Table:
    found = models.get("swaps", {})
    loads = ", ".join(f"{seconds:.1f}" for seconds in found.get("load_s", ()))
    texts = {
        "quiet": "nothing",
        "swaps": f"another model swapped, {len(found.get('swap_s', ()))} times",
        "loads": f"20 MB loaded by all workers, in {loads} s",
    }
    rows = [
        [
            text,
            *(f"{found[key][share]:,.1f}" for share in ("p50", "p95", "p99", "worst")),
            f"{found[key]['p99'] / found['quiet']['p99']:.2f}",
            f"{found[key]['missing']:,}",
        ]
        for key, text in texts.items()
        if key in found
    ]
    title = f"PMML stage while models change (ms, at {found.get('rate', 0):,} requests/s)"
    return Table(title, ["meanwhile", "p50", "p95", "p99", "worst", "p99 x quiet", "missing"], rows)


def _memory(results: dict[str, Any]) -> Table:
    rows = [[part, f"{size:,}"] for part, size in results["memory_mib"].items()]
    return Table("Resident memory of the whole stack with the PMML job", ["part", "MiB"], rows)


def _goals(results: dict[str, Any]) -> Table:
    rows = [
        [
            goal.text,
            f"{'at least' if goal.at_least else 'at most'} {goal.limit:g} {goal.unit}".rstrip(),
            f"{found:,.2f}" if goal.limit <= 1.5 else f"{found:,.1f}",  # noqa: PLR2004  ratios need two digits
            "met" if goal.met(found) else "missed",
        ]
        for goal, found in goals.judged(results)
        if found is not None
    ]
    return Table("Goals", ["goal", "limit", "found", ""], rows)


def _skipped(results: dict[str, Any]) -> list[str]:
    lines = [f"{entry['title']}: {entry['skipped']}" for entry in results["programs"] if "skipped" in entry]
    return ["Not measured, or not completely:\n\n" + "\n".join(f"- {line}" for line in lines)] if lines else []


def _plain(table: Table) -> str:
    lines = [table.columns, *table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _marked_down(table: Table) -> str:
    rule = ["---", *["---:"] * (len(table.columns) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [table.columns, rule, *table.rows])


@click.command(epilog="Example: python -m benchmarks.report benchmarks/results/2026-01-02T0304.json --write")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--write", is_flag=True, help="Also put the tables into benchmarks/RESULTS.md.")
def main(file: Path, *, write: bool) -> None:
    """Print the tables of a results FILE."""
    results = json.loads(file.read_text(encoding="utf-8"))
    click.echo(text(results))
    if write:
        RESULTS.write_text(inserted(RESULTS.read_text(encoding="utf-8"), markdown(results)), encoding="utf-8")
        click.echo(f"\nwritten to {RESULTS}")


if __name__ == "__main__":
    main()
