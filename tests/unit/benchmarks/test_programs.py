"""The measured programs: their topics, documents, and what they are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import records, sizes, workload
from benchmarks.programs import PROGRAMS, Jobs
from benchmarks.records import Record
from benchmarks.report import RESULTS
from benchmarks.workload import Work
from input_adapter.router import Router
from penstock.event import ROUTE, VARIANT, unpack_headers, unpack_more
from penstock.routing.document import parse
from penstock.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def test_no_two_programs_write_to_one_topic() -> None:
    """What one writes late would count as the other's."""
    outputs = [topic for program in PROGRAMS for topic in program.outputs]
    assert len(outputs) == len(set(outputs))


def test_programs_that_share_a_backlog_are_given_the_same_one() -> None:
    """A backlog is written once, of one kind of records and one length."""
    backlogs = {(program.source, program.work, program.share) for program in PROGRAMS}
    assert len(backlogs) == len({source for source, _, _ in backlogs})


def test_every_reference_is_a_program() -> None:
    """A ratio to nothing would go unnoticed."""
    names = {program.name for program in PROGRAMS}
    assert {name for program in PROGRAMS for name in program.compared.values()} <= names


def test_every_routing_document_is_valid() -> None:
    """With the prefix of its program."""
    documents = [(program.run.document, program.prefix) for program in PROGRAMS if isinstance(program.run, Jobs)]
    for document, prefix in documents:
        assert parse(document, prefix=prefix).version == 1


def test_every_program_stands_in_the_results_document() -> None:
    """Its table says what each of them does."""
    document = RESULTS.read_text(encoding="utf-8")
    assert [program.name for program in PROGRAMS if f"`{program.name}`" not in document] == []


def test_a_record_is_stamped_without_changing_its_size() -> None:
    """So that a backlog and a steady rate carry the same bytes."""
    records = workload.pool(Work.EVENTS, Settings())
    value = records[0].value(1_767_323_099_000_001)
    assert b'"ts":1767323099000001' in value
    assert len(value) == len(records[0].value(1_767_323_045_678_000))


def test_requests_carry_the_whole_envelope() -> None:
    """Made by the router, with blanks filled in."""
    records = workload.pool(Work.TREE_REQUESTS, Settings())
    headers = dict(records[7].headers)
    assert headers["penstock-model"] == b"iris-tree"
    assert headers["ce_id"] == b"bench-events/0/7"
    assert headers["ce_time"] == b"2026-01-02T03:04:05.678Z"


def test_documents_of_many_routes_are_measured_beside_those_of_few() -> None:
    """All of their events are routed."""
    found = sizes.measured(counts=(2, 20), turns=1, events=100)
    assert found.keys() == {"2", "20"}
    assert min(found["20"].values()) > 0


def test_pools_survive_being_written_to_a_file(tmp_path: Path) -> None:
    """The programs that write records read them from there."""
    record = Record(key=b"u1", before=b'{"ts":', after=b"}", headers=[("ce_id", b"t/0/1")])
    file = tmp_path / "pool"
    records.write(file, [record])
    assert records.read(file) == [record]


def test_events_for_splits_meet_all_that_their_document_says() -> None:
    """Every route takes some, every variant of every route scores some, and the shadow gets a tenth of its route's."""
    (program,) = (program for program in PROGRAMS if program.name == "input-adapter-splits")
    assert isinstance(program.run, Jobs)
    router = Router(
        parse(program.run.document), prefix=program.prefix, max_request_bytes=2**20, max_dead_letter_bytes=0
    )
    pool = workload.pool(program.work, Settings())
    size = len(pool)
    values, keys = [record.value(workload.MADE_AT_US) for record in pool], [record.key for record in pool]
    routed = router.route(values, [0] * size, [program.source] * size, [None] * size, keys, [0] * size, range(size))
    headers = list(map(unpack_headers, routed.headers))
    met = {(found[ROUTE], found[VARIANT]) for found in headers}
    assert met == {
        (route["name"], variant["name"])
        for route in program.run.document["routes"]
        for variant in route["split"]["variants"]
    }
    copies = [copy for more in routed.more for copy in unpack_more(more)]
    assert 0.07 < len(copies) / sum(found[ROUTE] == "h" for found in headers) < 0.13
    assert {topic for topic, _, _ in copies} | set(routed.topics) == set(program.outputs)
