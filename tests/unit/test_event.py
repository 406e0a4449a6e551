"""Headers, coordinates, times and sizes: the forms in which records cross."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import EnvelopeError, OversizeError
from penstock.event import (
    Blank,
    Deliveries,
    Delivery,
    added_size,
    ce_time,
    coordinates,
    own_headers,
    pack_headers,
    pack_more,
    refuse_oversize,
    unpack_headers,
    unpack_more,
)

LAST_MS = 253_402_300_799_999  # the last millisecond of the year 9999
FIRST_MS = -62_135_596_800_000  # the first millisecond of the year 1

plain_text = st.text(st.characters(exclude_categories=["Cc", "Cs"]))


def test_coordinates_name_topic_partition_and_offset() -> None:
    """The one form of coordinates."""
    assert coordinates("events", 0, 12) == "events/0/12"


@pytest.mark.parametrize(
    ("timestamp_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_767_323_045_678, "2026-01-02T03:04:05.678Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (FIRST_MS, "0001-01-01T00:00:00.000Z"),
        (LAST_MS, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(timestamp_ms: int, text: str) -> None:
    """Milliseconds are kept, years have four digits."""
    assert ce_time(timestamp_ms) == text


@given(st.integers(FIRST_MS, LAST_MS))
def test_times_can_be_read_back(timestamp_ms: int) -> None:
    """No millisecond is lost or rounded over the whole range."""
    read = datetime.fromisoformat(ce_time(timestamp_ms))

    assert read == datetime.fromtimestamp(timestamp_ms // 1000, UTC).replace(microsecond=timestamp_ms % 1000 * 1000)


@pytest.mark.parametrize("timestamp_ms", [LAST_MS + 1, FIRST_MS - 1, 1_767_323_045_678_000, 2**63 - 1, -(2**63)])
def test_times_beyond_the_calendar_are_a_fault_of_the_record(timestamp_ms: int) -> None:
    """Microseconds where milliseconds belong give a reason, not a crash."""
    with pytest.raises(EnvelopeError, match=r"timestamp is -?\d+ s since 1970, beyond .*; is it in milliseconds\?"):
        ce_time(timestamp_ms)


@given(st.dictionaries(plain_text.filter(bool), plain_text))
def test_packed_headers_unpack_to_the_same(headers: dict[str, str]) -> None:
    """Any text without control characters crosses unchanged."""
    assert unpack_headers(pack_headers(headers)) == headers


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=5))
def test_no_text_can_break_the_packing(headers: dict[str, str]) -> None:
    """Separators, other control characters and lone surrogates in a text never make another header of it."""
    packed = pack_headers(headers)

    assert packed.count("\x1e") == max(len(headers) - 1, 0)
    assert packed.count("\x1f") == len(headers)
    packed.encode()


@pytest.mark.parametrize("blank", Blank)
def test_a_blank_crosses_and_a_text_like_it_does_not(blank: Blank) -> None:
    """What the engine fills in is for us to say, never for a producer."""
    assert unpack_headers(pack_headers({"a": blank, "b": str(blank)})) == {"a": str(blank), "b": "\ufffd"}


def test_a_control_character_becomes_a_replacement_character() -> None:
    """The text stays readable."""
    assert unpack_headers(pack_headers({"ce_type": "a\x1eb\nc"})) == {"ce_type": "a\ufffdb\ufffdc"}


@pytest.mark.parametrize(
    ("text", "headers"), [(None, {}), ("{}", {}), ('{"a":"1","b":null,"c":""}', {"a": "1", "c": ""})]
)
def test_own_headers_are_read_from_the_engines_json(text: str | None, headers: dict[str, str]) -> None:
    """Null values count as absent."""
    assert own_headers(text) == headers


@pytest.mark.parametrize("text", ["", "[]", '{"a":1}', "{"])
def test_unreadable_headers_are_a_fault_of_the_record(text: str) -> None:
    """Anything but an object of texts is refused."""
    with pytest.raises(EnvelopeError, match="the record's headers cannot be read: "):
        own_headers(text)


def test_added_headers_have_a_size_in_bytes() -> None:
    """Characters count with their UTF-8 bytes, blanks with what the engine may put there."""
    longest = coordinates("a" * 249, 2**31 - 1, 2**63 - 1)

    assert added_size("") == 0
    assert added_size(pack_headers({"ä": "€", "b": "c"})) == 10 + 2 + 3 + 10 + 1 + 1
    assert added_size(pack_headers({"a": Blank.PLACE})) == 10 + 1 + len(longest)
    assert added_size(pack_headers({"a": Blank.TIME})) == 10 + 1 + len(ce_time(0))


def test_only_what_is_above_the_limit_is_refused() -> None:
    """The limit itself is allowed."""
    refuse_oversize(1_000, 1_000)
    with pytest.raises(OversizeError, match=r"^the record would have 1001 bytes, at most 1000 are allowed"):
        refuse_oversize(1_001, 1_000)


def test_deliveries_are_columns() -> None:
    """Rows are added one by one and come out as columns of one length."""
    deliveries = Deliveries()

    deliveries.add(("t", None, "h"))
    deliveries.add((None, b"v", ""))

    assert deliveries == Deliveries(topics=["t", None], values=[None, b"v"], headers=["h", ""], more=[None, None])


def test_further_records_cross_as_bytes() -> None:
    """Java reads three fields for each record, each its length and its bytes; -1 says that there is no value."""
    packed = pack_more([("t", None, "h"), ("ü", b"", "")])

    assert packed == bytes.fromhex("00000001 74 ffffffff 00000001 68 00000002 c3bc 00000000 00000000")
    assert unpack_more(None) == []


@given(st.lists(st.tuples(plain_text, st.none() | st.binary(), plain_text), max_size=5))
def test_further_records_can_be_read_back(records: list[Delivery]) -> None:
    """Whatever stands in them."""
    assert unpack_more(pack_more(records)) == records
