"""The form in which batches cross between Python and Java."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.spark_job import packing
from penstock.event import Deliveries

#: Two requests of one kind and one of another, as Java writes them.
TAKEN = bytes.fromhex(
    "0000000000000007 00000003"  # the batch's number, rows
    "0000019b7d3f8a00 0000000000000000 ffffffffffffffff"  # timestamps
    "00000061 00000062 00000063"  # bytes that are not seen
    "00000002 ffffffff 00000000"  # lengths of values
    "00000000 00000001 00000000"  # which texts
    "00000002 00000005 611f6d1f1f 00000005 c3a41f1f1f"  # the texts: a, m, nothing, nothing; ä, nothing
    "7b7d".replace(" ", "")
)
DELIVERIES = Deliveries(
    topics=["results", None, "results", "dead"],
    values=[b"{}", None, b"", None],
    headers=["a\x1fb", "", "a\x1fb", "ä\x1f"],
)
GIVEN = bytes.fromhex(
    "00000004"  # rows
    "00000002 00000007 726573756c7473 00000004 64656164"  # topics
    "00000003 00000003 611f62 00000000 00000003 c3a41f"  # headers
    "00000000 ffffffff 00000000 00000001"  # which topic
    "00000000 00000001 00000000 00000002"  # which headers
    "00000002 ffffffff 00000000 ffffffff"  # lengths of values
    "7b7d".replace(" ", "")
)
#: Values of each type, and the bytes of their column.
COLUMNS: dict[str, tuple[list[Any], str]] = {
    "string": (["ä", None, ""], "01 000100 00000002 00000000 00000000 c3a4"),
    "double": ([1.0, -0.5, 2.0], "00 3ff0000000000000 bfe0000000000000 4000000000000000"),
    "float": ([1.0, None, 2.0], "01 000100 3f800000 00000000 40000000"),
    "integer": ([1, -1, None], "01 000001 00000001 ffffffff 00000000"),
    "long": ([1, -1, 2], "00 0000000000000001 ffffffffffffffff 0000000000000002"),
    "boolean": ([True, None, False], "01 000100 01 00 00"),
    "integer[]": ([[1, None], [], None], "01 000001 00000002 00000000 00000000 01 0001 00000001 00000000"),
}
NUMBERS = st.none() | st.floats(allow_nan=False)
TEXTS = st.none() | st.text(st.characters(codec="utf-8"))


def test_what_java_took_is_a_batch_of_requests() -> None:
    """Texts that many rows share are written once; a text that is not there is None."""
    number, requests = packing.read_requests(TAKEN)

    assert number == 7
    assert list(requests.values) == [b"{}", None, b""]
    assert list(requests.timestamps_ms) == [1_767_332_874_752, 0, -1]
    assert list(requests.unseen_bytes) == [97, 98, 99]
    assert list(requests.texts) == [("a", "m", None, None), ("ä", None, None, None), ("a", "m", None, None)]


def test_deliveries_have_each_text_once() -> None:
    """A delivery without a topic or a value is told by -1."""
    assert packing.deliveries(DELIVERIES) == GIVEN


@pytest.mark.parametrize("type_", COLUMNS)
def test_columns_are_written_as_java_reads_them(type_: str) -> None:
    """And read as Java writes them, which is the same."""
    values, written = COLUMNS[type_]
    packed = bytes.fromhex(written.replace(" ", ""))

    assert packing.column(type_, values) == packed
    assert packing.rows([type_], [values], 3) == b"\x00\x00\x00\x03" + packed
    assert packing.read_answers(b"\x00\x00\x00\x00" + packed, [type_], 3) == ([(value,) for value in values], {})


def test_rows_that_failed_have_reasons() -> None:
    """Their answers are null."""
    packed = struct.pack(">iii", 1, 1, 3) + "oö".encode() + packing.column("double", [1.0, None])

    assert packing.read_answers(packed, ["double"], 2) == ([(1.0,), (None,)], {1: "oö"})


@given(st.lists(st.tuples(NUMBERS, TEXTS, st.none() | st.lists(NUMBERS), st.none() | st.lists(TEXTS))))
def test_what_is_packed_is_read_again(rows: list[tuple[Any, ...]]) -> None:
    """Whatever the values are."""
    types = ["double", "string", "double[]", "string[]"]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    packed = packing.rows(types, columns, len(rows))

    assert packing.read_answers(b"\x00\x00\x00\x00" + packed[4:], types, len(rows)) == (rows, {})


@pytest.mark.parametrize(("type_", "value"), [("integer", 2**31), ("long", 2**63), ("double", "x"), ("integer", 1.5)])
def test_what_does_not_fit_is_no_value(type_: str, value: object) -> None:
    """Who reads requests sees to it that it does."""
    with pytest.raises(struct.error, match=r"format|required|argument|too large"):
        packing.column(type_, [value])
