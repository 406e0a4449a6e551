"""The SQL functions of java/, on rows like those that Kafka's connector gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kafka.record.default_records import DefaultRecordBatchBuilder

from penstock.event import (
    CE_ID,
    CE_TIME,
    Blank,
    added_size,
    ce_time,
    own_headers,
    pack_headers,
    pack_more,
    unpack_headers,
)
from penstock.flink.environment import FUNCTIONS
from penstock.flink.pipeline import OWN_HEADERS, SIZE_COLUMN, texts
from penstock.flink.tables import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.flink.conftest import FileFlow, Row

NOW_MS = 1_767_323_045_678
NOW = ce_time(NOW_MS).encode()
PLACE = b"events/3/42"
BLANKS = {CE_ID: Blank.PLACE, CE_TIME: Blank.TIME}
LONG = "ä" * 5_000
OWN = {"a": b"1", "null": None, "binary": b"\xff\xfe", "empty": b"", "text": 'ä€😀"\\\n\x01'.encode()}

#: Own headers, packed headers that are added, and what comes out.
MERGES: dict[str, tuple[dict[str, bytes | None], str | None, dict[str, bytes | None]]] = {
    "nothing": (OWN, None, OWN),
    "nothing to nothing": ({}, None, {}),
    "an empty text is nothing": (OWN, "", OWN),
    "beside own": (OWN, pack_headers({"b": "2", "c": "3"}), {**OWN, "b": b"2", "c": b"3"}),
    "where there was none": ({}, pack_headers({"b": "2"}), {"b": b"2"}),
    "instead of a text": (OWN, pack_headers({"a": "2"}), {**OWN, "a": b"2"}),
    "instead of null": (OWN, pack_headers({"null": "2"}), {**OWN, "null": b"2"}),
    "instead of bytes": (OWN, pack_headers({"binary": "2"}), {**OWN, "binary": b"2"}),
    "instead of all": ({"a": b"1"}, pack_headers({"a": "2"}), {"a": b"2"}),
    "empty texts": (OWN, pack_headers({"a": "", "b": ""}), {**OWN, "a": b"", "b": b""}),
    "not ASCII": ({}, pack_headers({"ä": "€😀"}), {"ä": "€😀".encode()}),
    "long": ({"a": LONG.encode()}, pack_headers({"b": LONG}), dict.fromkeys("ab", LONG.encode())),
    "blanks": ({}, pack_headers(BLANKS), {CE_ID: PLACE, CE_TIME: NOW}),
    "blanks instead of own": (
        {CE_ID: b"mine", "a": b"1"},
        pack_headers(BLANKS),
        {"a": b"1", CE_ID: PLACE, CE_TIME: NOW},
    ),
    "one blank twice": ({}, pack_headers({"a": Blank.PLACE, "b": Blank.PLACE}), dict.fromkeys("ab", PLACE)),
    "a text that looks like a blank": ({}, pack_headers({"a": "\x1a"}), {"a": "\ufffd".encode()}),
    "a blank inside a text": ({}, f"a\x1fx{Blank.PLACE}", {"a": b"x\x1a"}),
    "a name alone": ({}, "a", {"a": b""}),
    "a separator": (
        {"a": b"x\x1fy", "text": "ä\x1f".encode()},
        None,
        {"a": b"x\x1fy", "text": "ä\x1f".encode()},
    ),
}
TIMES = {
    "1970": 0,
    "just before 1970": -1,
    "the first that both can write": -62_135_596_800_000,
    "the last that can be written": 253_402_300_799_999,
    "no milliseconds": 1_767_323_045_000,
    "few milliseconds": 1_767_323_045_007,
    "the same second again": 1_767_323_045_999,
    "another second": 1_767_323_046_999,
}
#: More different headers than the function remembers.
MANY = 3_000


@pytest.fixture(scope="module")
def answers(make_flow: Callable[..., FileFlow], make_record: Callable[..., Row]) -> dict[str, Row]:
    """What one query says of all cases: starting a query is what takes time."""
    cases = {name: make_record(headers=own, added=added) for name, (own, added, _) in MERGES.items()}
    cases |= {
        name: make_record(timestamp_ms=millis, added=pack_headers({CE_TIME: Blank.TIME}))
        for name, millis in TIMES.items()
    }
    cases |= {
        f"many {number}": make_record(
            topic=f"t{number % 2}", offset=number, added=f"n\x1f{number}\x1ep\x1f{Blank.PLACE}"
        )
        for number in range(MANY)
    }
    cases["no key"] = make_record(key=None, headers=OWN)
    flow = make_flow(*cases.values())
    given = flow.read(Source(name="given", cluster=flow.settings.kafka.external, group=""))
    flow.environment.execute_sql(
        f"CREATE TEMPORARY VIEW packed AS SELECT *, penstock_packed(`headers`) AS `own_headers` FROM {given}"  # noqa: S608 our own name
    )
    found = flow.select(
        "packed",
        merged="penstock_headers(`own_headers`, `added`, `topic`, `partition`, `offset`, `timestamp`)",
        unseen=SIZE_COLUMN,
        own=OWN_HEADERS,
        texts=texts("a", "it's", "text", "binary"),
    )
    return dict(zip(cases, found, strict=True))


@pytest.mark.parametrize("case", MERGES)
def test_added_headers_win(answers: dict[str, Row], case: str) -> None:
    """Own headers stay byte for byte, null ones too, unless one of the same name is added; blanks are filled in."""
    _, _, expected = MERGES[case]

    assert answers[case]["merged"] == expected


@pytest.mark.parametrize("case", TIMES)
def test_time_is_written_as_python_writes_it(answers: dict[str, Row], case: str) -> None:
    """One form of a time wherever it is written."""
    assert answers[case]["merged"] == {CE_TIME: ce_time(TIMES[case]).encode()}


def test_more_headers_than_are_remembered(answers: dict[str, Row]) -> None:
    """Forgetting what was unpacked changes nothing, nor does a topic that alternates."""
    found = [answers[f"many {number}"]["merged"] for number in range(MANY)]

    assert found == [{"n": str(n).encode(), "p": f"t{n % 2}/3/{n}".encode()} for n in range(MANY)]


@pytest.mark.parametrize("case", [*MERGES, "no key"])
def test_unseen_bytes_are_what_kafka_needs_at_most(
    answers: dict[str, Row], make_record: Callable[..., Row], case: str
) -> None:
    """Key, headers and Kafka's own bookkeeping: never less than Kafka's own estimate, and little more."""
    headers = MERGES[case][0] if case in MERGES else OWN
    key = None if case == "no key" else b"k"
    kafkas = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, b"", list(headers.items()))

    assert kafkas <= answers[case]["unseen"] <= kafkas + 15 + 10 * len(headers)


def test_sizes_of_own_and_added_headers_are_counted_alike(answers: dict[str, Row]) -> None:
    """What a record weighs does not depend on which hop added its headers."""
    own = MERGES["long"][0]
    packed = pack_headers({name: (value or b"").decode() for name, value in own.items()})

    assert answers["long"]["unseen"] - answers["nothing to nothing"]["unseen"] == added_size(packed)


@pytest.mark.parametrize("case", MERGES)
def test_own_headers_reach_python_as_text(answers: dict[str, Row], case: str) -> None:
    """Null stays null, bytes that are no text show that they are none, and no headers are no text at all."""
    own = MERGES[case][0]
    text = answers[case]["own"]

    if not own:
        assert text is None
    else:
        expected = {name: None if value is None else value.decode(errors="replace") for name, value in own.items()}
        assert json.loads(text) == expected
        assert own_headers(text) == {name: found for name, found in expected.items() if found is not None}


def test_texts_of_headers_are_found_by_name(answers: dict[str, Row]) -> None:
    """In the order of their names; what a record lacks is empty, bytes that are no text show that they are none."""
    assert answers["nothing"]["texts"] == 'events\x1f1\x1f\x1fä€😀"\\\n\x01\x1f\ufffd\ufffd'
    assert answers["nothing to nothing"]["texts"] == "events\x1f\x1f\x1f\x1f"


def test_no_text_shifts_those_behind_it(answers: dict[str, Row]) -> None:
    """The separator within a header's text is replaced."""
    assert answers["a separator"]["texts"] == "events\x1fx?y\x1f\x1fä?\x1f"


@pytest.mark.parametrize("millis", [253_402_300_800_000, 2**63 - 1, -62_167_219_200_001, -(2**63)])
def test_time_that_cannot_be_written_is_null(make_flow: Callable[..., FileFlow], millis: int) -> None:
    """RFC 3339 has four digits for the year: before and after there is no text, and no record fails for it."""
    make_flow()
    merged = call_directly(millis, pack_headers({**BLANKS, "b": "2"}))

    assert merged == {CE_ID: PLACE, CE_TIME: None, "b": b"2"}


def call_directly(millis: int, packed: str) -> dict[str, bytes | None]:
    """Call the Java function itself: no SQL expression makes such times."""
    from pyflink.java_gateway import get_gateway

    jvm: Any = get_gateway().jvm
    data = jvm.org.apache.flink.table.data
    text = data.StringData.fromString
    function = jvm.io.penstock.flink.AddHeaders()
    function.open(None)
    timestamp = data.TimestampData.fromEpochMillis(millis)
    merged = function.eval(None, text(packed), text("events"), 3, 42, timestamp)
    names, values = merged.keyArray(), merged.valueArray()
    return {
        names.getString(i).toString(): None if values.isNullAt(i) else bytes(values.getBinary(i))
        for i in range(merged.size())
    }


def test_names_of_all_functions_are_known(make_flow: Callable[..., FileFlow]) -> None:
    """Every environment has them."""
    assert set(FUNCTIONS) <= set(make_flow().environment.list_user_defined_functions())


def test_packed_headers_read_the_same_on_both_sides(answers: dict[str, Row]) -> None:
    """Java takes apart what Python packed as Python itself does."""
    for case, (own, added, _) in MERGES.items():
        if own == {} and added and Blank.PLACE not in added:
            assert answers[case]["merged"] == {name: text.encode() for name, text in unpack_headers(added).items()}


def test_packed_records_follow_the_one_that_brings_them(
    make_flow: Callable[..., FileFlow], make_record: Callable[..., Row]
) -> None:
    """As Python packed them, in order; a record without topic goes nowhere, and with it what it brings."""
    more = [("ä", None, ""), ("b", b"", pack_headers({"n": "ä"})), ("c", b"\xff" * 70_000, LONG)]
    flow = make_flow(
        make_record(topic="alone", key=None, value=None, added=None),
        make_record(topic="first", key=b"1", added="x", value=pack_more(more)),
        make_record(topic="", value=pack_more(more)),
        make_record(topic="last", key=b"2", added="", value=b""),
    )
    given = flow.read(Source(name="given", cluster=flow.settings.kafka.external, group=""))
    answer = "CAST(ROW(NULLIF(`topic`, ''), `key`, `added`, `value`) AS ROW<t STRING, v BYTES, h STRING, m BYTES>)"
    flow.environment.execute_sql(
        f"CREATE TEMPORARY VIEW each_record AS SELECT made.* FROM {given}, LATERAL TABLE(penstock_records({answer}))"  # noqa: S608 our own names
        " AS made (`to`, `carried`, `with`, `more`)"
    )
    found = flow.select("each_record", topic="`to`", value="`carried`", headers="`with`")

    assert [(row["topic"], row["value"], row["headers"]) for row in found] == [
        ("alone", None, None),
        ("first", b"1", "x"),
        *more,
        ("last", b"2", ""),
    ]
