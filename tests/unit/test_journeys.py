"""Following the doctor's events."""

from __future__ import annotations

import pytest

from penstock.cli.journeys import Hop, Journey, Outcome, Stage, journeys_table
from penstock.cli.probes import Probe
from penstock.cli.records import Record
from penstock.deadletter import Cause, ErrorCode
from penstock.deadletter import Stage as DeadLetterStage

PROBE = Probe(
    route="iris", job="pmml", id="doc-1", topics=("events", "pen.pmml.m", "pen.results", "out"), value=b"", headers=()
)
RUNNING = {
    Hop.REQUEST: Stage(job="in-job"),
    Hop.RESULT: Stage(job="score-job"),
    Hop.OUTPUT: Stage(job="out-job"),
}


def journey(**stages: Stage) -> Journey:
    """A journey that began at second 100; all jobs run unless said otherwise."""
    changed = {Hop(hop): stage for hop, stage in stages.items()}
    return Journey(probe=PROBE, stages={**RUNNING, **changed}, sent=100.0, dead_letters="pen.dead-letters")


def record(topic: str, *, ce_id: str = "doc-1", **headers: str) -> Record:
    """A record of the event on a topic."""
    pairs = {"ce_id": ce_id, **headers}
    return Record(
        topic=topic,
        partition=0,
        offset=0,
        timestamp=0,
        headers=tuple((name, text.encode()) for name, text in pairs.items()),
    )


def test_an_event_that_comes_through_is_well() -> None:
    """Each hop's time counts from the one before it."""
    trip = journey()
    for topic, now in (("pen.pmml.m", 100.01), ("pen.results", 100.05), ("out", 100.06)):
        assert not trip.over(now)
        trip.meet(record(topic), now)

    assert trip.over(100.06)
    assert trip.outcome(30) == Outcome(
        route="iris", hops_ms={"request": 10.0, "result": 40.0, "output": 10.0}, reached=Hop.OUTPUT
    )


def test_other_events_do_not_count() -> None:
    """Only records with the event's ce_id are its own."""
    trip = journey()
    trip.meet(record("out", ce_id="doc-2"), 101)

    assert not trip.over(101)


def test_hops_that_are_shown_out_of_order_take_no_negative_time() -> None:
    """A consumer may show the result before the request; then that hop took no time worth measuring."""
    trip = journey()
    trip.meet(record("pen.results"), 100.05)
    trip.meet(record("pen.pmml.m"), 100.06)
    trip.meet(record("out"), 100.07)

    assert trip.outcome(30).hops_ms == {"request": 60.0, "result": 0.0, "output": 10.0}


def test_hops_that_are_shown_after_the_output_are_waited_for() -> None:
    """An event that came through is well at once, and its way is told when all of it was seen."""
    trip = journey()
    trip.meet(record("pen.results"), 100.05)
    trip.meet(record("out"), 100.06)

    assert not trip.over(100.06)
    assert trip.outcome(30).fault is None
    trip.meet(record("pen.pmml.m"), 100.07)
    assert trip.over(100.07)


CAUSE = Cause(
    code=ErrorCode.INPUT,
    reason="field 'a' is missing",
    stage=DeadLetterStage.PMML_JOB,
    component="scorer",
    record="pen.pmml.m/0/0",
)


@pytest.mark.parametrize("shown", [["pen.pmml.m"], []], ids=["request first", "request not yet"])
def test_a_dead_letter_ends_it_with_its_reason(shown: list[str]) -> None:
    """It stopped after the last hop before whoever gave it up, for the letter's reason, whatever was shown first."""
    trip = journey()
    for topic in shown:
        trip.meet(record(topic), 100.01)
    trip.meet(record("pen.dead-letters", **CAUSE.headers()), 100.02)

    assert trip.over(100.02)
    assert trip.outcome(30).fault == (
        "stopped after request (pen.pmml.m): dead letter INPUT from pmml_job: field 'a' is missing"
    )


def test_a_job_that_does_not_run_is_named_and_not_waited_for() -> None:
    """Where the next hop's job does not run, the event is given up soon, and the verdict says why."""
    trip = journey(result=Stage(job="score-job", fault="job 'score-job' is RESTARTING"))
    trip.meet(record("pen.pmml.m"), 100.5)

    assert not trip.over(101)
    assert trip.over(103)
    assert trip.outcome(3).fault == "stopped after request (pen.pmml.m): job 'score-job' is RESTARTING"


def test_silence_of_a_job_that_runs() -> None:
    """Where all jobs run and nothing came, the topic, the time waited and the job are named."""
    trip = journey()

    assert not trip.over(10_000)
    fault = trip.outcome(30.2).fault or ""
    assert fault.startswith(
        "stopped after event (events): nothing came to 'pen.pmml.m' in 30 s, though job 'in-job' runs"
    )


def test_silence_where_flink_cannot_be_asked() -> None:
    """Where it is not known whether the job runs, nothing is claimed."""
    fault = journey(request=Stage(job="in-job", known=False)).outcome(30).fault or ""

    assert fault.endswith("in 30 s; whether job 'in-job' runs is not known")


def test_an_event_that_the_broker_refused() -> None:
    """An event that was not taken is not waited for."""
    trip = journey()
    trip.refusal = "not enough replicas"

    assert trip.over(100)
    assert trip.outcome(0).fault == "not sent: not enough replicas"


def test_table_has_a_line_a_route() -> None:
    """The table gives milliseconds by hop, the whole way's where the route is well, and the verdict."""
    lines = journeys_table(
        [
            Outcome(route="iris", hops_ms={"request": 10.0, "result": 40.0, "output": 10.5}, reached=Hop.OUTPUT),
            Outcome(route="tweets", hops_ms={"request": 8.0}, reached=Hop.REQUEST, fault="stopped after request"),
        ]
    ).splitlines()

    assert [line.split() for line in lines] == [
        ["ROUTE", "REQUEST", "MS", "RESULT", "MS", "OUTPUT", "MS", "TOTAL", "MS", "VERDICT"],
        ["iris", "10.0", "40.0", "10.5", "60.5", "well"],
        ["tweets", "8.0", "-", "-", "-", "stopped", "after", "request"],
    ]
