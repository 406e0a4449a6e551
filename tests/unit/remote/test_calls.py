"""What is done about each code, and what of a server's words is told."""

from __future__ import annotations

import grpc
import pytest

from penstock.remote.calls import BREAKER_OPEN, CLOSED, RETRIED, CallError, CallKind, brief, code_of_http, kind_of

KINDS = {
    "CANCELLED": CallKind.RETRY,
    "UNKNOWN": CallKind.REFUSED,
    "INVALID_ARGUMENT": CallKind.REFUSED,
    "DEADLINE_EXCEEDED": CallKind.RETRY,
    "NOT_FOUND": CallKind.ABSENT,
    "ALREADY_EXISTS": CallKind.FATAL,
    "PERMISSION_DENIED": CallKind.FATAL,
    "RESOURCE_EXHAUSTED": CallKind.RETRY,
    "FAILED_PRECONDITION": CallKind.FATAL,
    "ABORTED": CallKind.FATAL,
    "OUT_OF_RANGE": CallKind.REFUSED,
    "UNIMPLEMENTED": CallKind.FATAL,
    "INTERNAL": CallKind.REFUSED,
    "UNAVAILABLE": CallKind.RETRY,
    "DATA_LOSS": CallKind.FATAL,
    "UNAUTHENTICATED": CallKind.FATAL,
}
NOBODY_ASKED = {BREAKER_OPEN: CallKind.RETRY, CLOSED: CallKind.RETRY}
TENSORFLOW = """Graph execution error:

Detected at node map/while/DecodePng defined at (most recent call last):
<stack traces unavailable>
Invalid PNG data, size 4
\t [[{{node map/while/DecodePng}}]] [Op:__inference_signature_wrapper_42]"""


@pytest.mark.parametrize(("code", "kind"), [*KINDS.items(), *NOBODY_ASKED.items()])
def test_each_code_has_its_kind(code: str, kind: CallKind) -> None:
    """One table for all transports."""
    assert kind_of(code) is kind


def test_no_code_of_grpc_is_forgotten() -> None:
    """A new one wants to be thought about."""
    assert {code.name for code in grpc.StatusCode} - {"OK"} == set(KINDS)


def test_three_codes_are_tried_again() -> None:
    """All others would be answered as before, or nobody would answer."""
    assert {"UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"} == RETRIED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, CallKind.REFUSED),
        (401, CallKind.FATAL),
        (403, CallKind.FATAL),
        (404, CallKind.ABSENT),
        (405, CallKind.FATAL),
        (408, CallKind.RETRY),
        (413, CallKind.REFUSED),
        (422, CallKind.REFUSED),
        (429, CallKind.RETRY),
        (500, CallKind.REFUSED),
        (501, CallKind.FATAL),
        (502, CallKind.RETRY),
        (503, CallKind.RETRY),
        (504, CallKind.RETRY),
        (302, CallKind.FATAL),
    ],
)
def test_http_is_translated(status: int, kind: CallKind) -> None:
    """To the same table."""
    assert kind_of(code_of_http(status)) is kind


@pytest.mark.parametrize(
    "details",
    [
        "SERVER: Received message larger than max (4194331 vs. 4194304)",
        "CLIENT: Sent message larger than max (9 vs. 4)",
    ],
)
def test_too_large_is_no_matter_of_time(details: str) -> None:
    """Fewer rows do, another try does not."""
    assert kind_of("RESOURCE_EXHAUSTED", details) is CallKind.REFUSED


@pytest.mark.parametrize(
    ("details", "told"),
    [
        (TENSORFLOW, "Invalid PNG data, size 4 (node map/while/DecodePng)"),
        ("Graph execution error:\n\nDetected at node Sqrt defined at\n", "Graph execution error (node Sqrt)"),
        (
            "failed to connect to all addresses; last error: X: ipv4:[::1]:1: Failed to connect to remote host: no",
            "it cannot be connected to: no",
        ),
        ("queue full", "queue full"),
        ("\n first\n second", "first"),
        ("", "it says nothing more"),
        ("x" * 400, "x" * 300 + "…"),
    ],
)
def test_servers_words_are_told_in_short(details: str, told: str) -> None:
    """One line, the graph's node, no stack traces."""
    assert brief(details) == told


def test_error_names_the_server() -> None:
    """Where one was asked."""
    assert str(CallError("UNAVAILABLE", "gone", server="a:1")) == "server a:1: UNAVAILABLE: gone"
    assert str(CallError(BREAKER_OPEN, "all away")) == "BREAKER_OPEN: all away"
