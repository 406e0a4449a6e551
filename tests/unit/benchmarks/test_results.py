"""Results: medians, ratios, goals, and the tables made of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from benchmarks import goals, report
from benchmarks.delays import Summary
from benchmarks.programs import PROGRAMS
from benchmarks.results import Measured, together
from benchmarks.throughput import Throughput

_BY_NAME = {program.name: program for program in PROGRAMS}


def _turn(events_per_s: float) -> Throughput:
    return Throughput(
        events_per_s=events_per_s,
        seconds=5.0,
        jvm_us=6.0,
        compilers_us=1.0,
        python_us=2.0,
        broker_us=1.0,
        other_cores=0.1,
    )


def _summary(p50: float) -> Summary:
    return Summary(p50=p50, p95=2 * p50, p99=3 * p50, worst=4 * p50, events=10, missing=0, writer_delay=0.2)


def _figures(router_us: float) -> dict[str, float]:
    names = ("json_load_s", "json_ready_s", "yaml_load_s", "yaml_ready_s")
    return {**dict.fromkeys(names, 1.5), "router_us": router_us}


def _results() -> dict[str, Any]:
    measured = {
        "python-loop": Measured(
            program=_BY_NAME["python-loop"],
            events=100,
            turns=[_turn(200_000), _turn(100_000), _turn(220_000)],
            delays={1000: _summary(10.0)},
        ),
        "bytewax": Measured(program=_BY_NAME["bytewax"], skipped="its packages cannot be installed: no network"),
        "input-adapter": Measured(
            program=_BY_NAME["input-adapter"],
            events=100,
            turns=[_turn(100_000), _turn(70_000), _turn(110_000)],
            delays={1000: _summary(40.0)},
        ),
    }
    return {
        "started": "2026-01-02 03:04 UTC",
        "seconds": 600,
        "options": {"events": 100, "rounds": 3, "quick": False},
        "machine": {
            "processor": "a processor",
            "cores": 2,
            "memory_gib": 8.0,
            "system": "Linux",
            "load_at_start": 0.1,
            "commit": "abc",
            "versions": {"Python": "3.11"},
            "settings": {"flink.parallelism": 1},
        },
        "programs": together(measured),
        "memory_mib": {"kafka": 600, "together": 3000},
        "documents": {"10": _figures(2.0), "10000": _figures(2.2)},
        "models": {
            "mixed_us": {"1": {"400": 2.0}, "100": {"400": 40.0}},
            "registry": {"models": 1000, "bytes": 1_500_000, "open_s": 0.05},
            "large": {
                "mb": 21.0,
                "load_s": 1.5,
                **{f"{when}_{share}": 3.0 for when in ("quiet", "loading") for share in (50, 99, 100)},
            },
            "swaps": {
                "quiet": asdict(_summary(10.0)),
                "swaps": asdict(_summary(12.0)),
                "loads": asdict(_summary(20.0)),
                "load_s": [2.5],
                "swap_s": [0.2, 0.3],
                "rate": 2000,
            },
        },
    }


def test_figures_are_medians_of_the_rounds() -> None:
    """One disturbed round does not count; every round can be looked up."""
    throughput = _results()["programs"][2]["throughput"]
    assert throughput["events_per_s"] == 100_000
    assert [turn["events_per_s"] for turn in throughput["rounds"]] == [100_000, 70_000, 110_000]


def test_ratios_are_taken_within_rounds() -> None:
    """The round in which the machine was busy has the highest ratio, and is not the median."""
    ratios = _results()["programs"][2]["throughput"]["ratios"]
    assert ratios == {"loop": {"events_per_s": 0.5, "program_us": 1.0}}


def test_delays_are_divided_by_those_of_the_references() -> None:
    """At the same rate."""
    assert _results()["programs"][2]["latency"]["1000"]["ratios"]["loop"]["p50"] == 4.0


def test_goals_are_judged_where_their_figures_are_known() -> None:
    """What was not measured is neither met nor missed."""
    judged = {goal.text: (goal, found) for goal, found in goals.judged(_results())}
    goal, found = judged["input adapter: events/s over the Python loop's"]
    assert found == 0.5
    assert not goal.met(found)
    assert judged["input adapter: events/s over bytewax's"][1] is None
    goal, found = judged["input adapter: p50 at 1,000 events/s"]
    assert found == 40.0
    assert goal.met(found)


def test_documents_of_many_routes_are_judged_by_those_of_few() -> None:
    """What an event costs, and how long it takes until they are in force."""
    judged = {goal.path: (goal, found) for goal, found in goals.judged(_results())}
    goal, found = judged["documents", "ratio"]
    assert found == pytest.approx(1.1)
    assert goal.met(found)
    assert judged["documents", "10000", "yaml_ready_s"][1] == 1.5
    assert "| 10,000 | 1.50 | 1.50 | 1.50 | 1.50 | 2.20 |" in report.markdown(_results())


def test_swaps_of_models_are_judged_by_the_same_run_without() -> None:
    """By the p99 of events for another model."""
    judged = {goal.path: (goal, found) for goal, found in goals.judged(_results())}
    goal, found = judged["models", "swaps", "ratio"]
    assert found == pytest.approx(1.2)
    assert goal.met(found)
    told = report.markdown(_results())
    assert "| nothing | 10.0 | 20.0 | 30.0 | 40.0 | 1.00 | 0 |" in told
    assert "| 100 | 40.0 |" in told
    assert "| model of 21 MB, loaded beside scoring | 1.50 s |" in told


def test_every_goal_names_a_measured_program() -> None:
    """A program that is renamed takes its goals along."""
    assert {goal.path[0] for goal in goals.GOALS} <= _BY_NAME.keys() | {"memory_mib", "documents", "models"}


def test_the_report_tells_figures_goals_and_what_is_missing() -> None:
    """In plain text."""
    text = report.text(_results())
    assert "Penstock input adapter, whole envelope" in text
    assert "at least 0.65" in text
    assert "bytewax: parse, route, two headers: its packages cannot be installed: no network" in text


def test_the_report_goes_between_the_marks_of_its_document() -> None:
    """What stands around it stays; a second report replaces the first."""
    document = f"# Title\n{report.MARKS[0]}\nold\n{report.MARKS[1]}\nend\n"
    once = report.inserted(document, "new")
    assert once == f"# Title\n{report.MARKS[0]}\n\nnew\n\n{report.MARKS[1]}\nend\n"
    assert report.inserted(once, "new") == once


def test_a_document_without_marks_is_refused() -> None:
    """Nothing is overwritten by guess."""
    with pytest.raises(ValueError, match="has no lines"):
        report.inserted("# Title", "new")


def test_results_document_has_the_marks() -> None:
    """The tool can write into the file that it is meant for."""
    assert "new" in report.inserted(report.RESULTS.read_text(encoding="utf-8"), "new")
