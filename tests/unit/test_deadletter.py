"""Dead letters: what their headers say, and that they always fit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.deadletter import Cause, DeadLetters, ErrorCode, Origin, Stage
from penstock.errors import DecodeError
from penstock.event import added_size, unpack_headers
from penstock.testing.builders import UNSEEN_BYTES, filled

CAUSE = Cause(
    code=ErrorCode.SCORING,
    reason="model 'iris' failed",
    stage=Stage.PMML_JOB,
    component="scorer",
    record="penstock.pmml.iris/1/5",
    source="events/0/12",
    model="iris:1",
    route="iris",
    config_version=7,
    attempts=2,
    failed_ms=1_700_000_000_042,
)
LETTERS = DeadLetters(
    topic="dead", stage=Stage.INPUT_ADAPTER, component="router", max_bytes=10_000, clock=lambda: 1_700_000_000.042
)


def test_headers_name_every_fact() -> None:
    """The full set of headers, by their documented names."""
    assert CAUSE.headers() == {
        "penstock-error-code": "SCORING",
        "penstock-error-reason": "model 'iris' failed",
        "penstock-error-stage": "pmml_job",
        "penstock-error-component": "scorer",
        "penstock-error-record": "penstock.pmml.iris/1/5",
        "penstock-error-attempts": "2",
        "penstock-error-time": "2023-11-14T22:13:20.042Z",
        "penstock-source": "events/0/12",
        "penstock-model": "iris:1",
        "penstock-route": "iris",
        "penstock-config-version": "7",
    }


def test_facts_that_are_not_known_have_no_header() -> None:
    """The record keeps its own headers of those names."""
    cause = Cause(
        code=ErrorCode.DECODE, reason="no JSON", stage=Stage.INPUT_ADAPTER, component="router", record="events/0/12"
    )

    assert cause.headers() == {
        "penstock-error-code": "DECODE",
        "penstock-error-reason": "no JSON",
        "penstock-error-stage": "input_adapter",
        "penstock-error-component": "router",
        "penstock-error-record": "events/0/12",
        "penstock-error-attempts": "1",
    }


@given(
    st.builds(
        Cause,
        code=st.sampled_from(ErrorCode),
        reason=st.just("no JSON"),
        stage=st.sampled_from(Stage),
        component=st.just("router"),
        record=st.just("events/0/12"),
        source=st.none() | st.just("events/0/12"),
        model=st.none() | st.just("iris:1"),
        route=st.none() | st.just("iris"),
        config_version=st.none() | st.integers(1, 10**6),
        attempts=st.integers(1, 100),
        failed_ms=st.none() | st.integers(0, 253_402_300_799_999),
    )
)
def test_a_cause_is_read_back_from_its_headers(cause: Cause) -> None:
    """What the tools show is what the stage wrote."""
    assert Cause.parse(cause.headers()) == cause


@pytest.mark.parametrize("time", ["", "yesterday", "2026-01-02T03:04:05"])
def test_letters_of_another_version_can_be_read(time: str) -> None:
    """A code, a stage, a number or a time that this version does not know is shown as it is."""
    headers = {
        **CAUSE.headers(),
        "penstock-error-code": "NEW",
        "penstock-error-stage": "later_job",
        "penstock-config-version": "7b",
        "penstock-error-attempts": "many",
        "penstock-error-time": time,
    }

    expected = replace(CAUSE, code="NEW", stage="later_job", config_version="7b", attempts=1, failed_ms=None)
    assert Cause.parse(headers) == expected


def test_a_record_without_a_code_is_no_dead_letter() -> None:
    """Penstock's other headers alone do not make a dead letter."""
    assert Cause.parse({"penstock-route": "iris"}) is None


def test_reasons_are_one_line_and_bounded() -> None:
    """A stack trace or a megabyte in a message does not get into a header."""
    reason = replace(CAUSE, reason="a\n  b" + "c" * 10_000).headers()["penstock-error-reason"]

    assert reason.startswith("a bccc")
    assert len(reason) == 501


def test_a_record_becomes_a_letter_with_its_own_bytes() -> None:
    """The value is the original's, so a replay needs nothing else; the engine fills in where the record stands."""
    topic, value, headers = LETTERS.deliver(
        DecodeError("no JSON"), b"poison", UNSEEN_BYTES, Origin(source="events/0/1")
    )

    assert (topic, value) == ("dead", None)
    assert filled(headers, place="events/0/12") == {
        "penstock-error-code": "DECODE",
        "penstock-error-reason": "no JSON",
        "penstock-error-stage": "input_adapter",
        "penstock-error-component": "router",
        "penstock-error-record": "events/0/12",
        "penstock-error-attempts": "1",
        "penstock-error-time": "2023-11-14T22:13:20.042Z",
        "penstock-source": "events/0/1",
    }


def test_an_unforeseen_exception_becomes_a_letter_too() -> None:
    """Its kind and text are the reason, its code says that the fault is ours."""
    _, _, headers = LETTERS.deliver(KeyError("a"), b"poison", UNSEEN_BYTES)

    assert unpack_headers(headers)["penstock-error-code"] == "INTERNAL"
    assert unpack_headers(headers)["penstock-error-reason"] == "unexpected KeyError: 'a'"


def test_a_value_too_large_is_left_out() -> None:
    """Rather than a producer that fails for ever, a letter that says how much is missing."""
    topic, value, headers = LETTERS.deliver(DecodeError("no JSON"), b"x" * 20_000, UNSEEN_BYTES)

    assert (topic, value) == ("dead", b"")
    assert unpack_headers(headers)["penstock-error-value-bytes"] == "20000"


def test_a_key_too_large_is_delivered_nowhere() -> None:
    """A key cannot be left out; the stream goes on without the record."""
    topic, _, _ = LETTERS.deliver(DecodeError("no JSON"), None, 20_000)

    assert topic is None


@given(size=st.integers(8_500, 10_500), unseen=st.integers(70, 1_500))
def test_letters_are_never_larger_than_allowed(size: int, unseen: int) -> None:
    """Close to the limit the cause itself decides whether the value still fits."""
    _, value, headers = LETTERS.deliver(DecodeError("no JSON"), b"x" * size, unseen)

    assert unseen + (size if value is None else len(value)) + added_size(headers) <= LETTERS.max_bytes
