"""What can become of a call to a model server, whatever the transport: one table says what to do about each code.

The codes are gRPC's; https://grpc.io/docs/guides/status-codes/ says who uses which. REST's are translated to them.
"""

from __future__ import annotations

import re
from enum import StrEnum

from penstock.root_error import PenstockError

__all__ = ["BREAKER_OPEN", "CLOSED", "RETRIED", "CallError", "CallKind", "brief", "code_of_http", "kind_of"]

BREAKER_OPEN = "BREAKER_OPEN"
"""Nobody was asked: no server of those that are configured answers at present."""
CLOSED = "CLOSED"
"""Nobody was asked: the client is closed, since its worker ends."""
RETRIED = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"})
"""Codes after which the same call is tried again, at another server if there is one."""

_MOST_CHARACTERS = 300


class CallKind(StrEnum):
    """Whose fault it is that a call failed."""

    RETRY = "retry"
    """The server's or the network's, and passing: the rows are innocent, and may be asked for again later."""
    REFUSED = "refused"
    """The rows', or one row's among them: half of them may do."""
    ABSENT = "absent"
    """The server does not have the model: not yet, after a start of its own, or not at all."""
    FATAL = "fatal"
    """The model's or the configuration's: no rows would do."""


_KINDS = {
    **dict.fromkeys((*RETRIED, "CANCELLED", BREAKER_OPEN, CLOSED), CallKind.RETRY),
    # Servers answer UNKNOWN and INTERNAL where a graph or a Python model raises, which one bad row can make it do.
    **dict.fromkeys(("INVALID_ARGUMENT", "OUT_OF_RANGE", "UNKNOWN", "INTERNAL"), CallKind.REFUSED),
    "NOT_FOUND": CallKind.ABSENT,
}
#: 500 is what servers answer where a model raises; 413 and 422 are about what was sent.
_HTTP = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "OUT_OF_RANGE",
    422: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    # Of gateways: the server behind them is away or slow.
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
#: A message over a limit is told as RESOURCE_EXHAUSTED, but no second try makes it smaller: fewer rows do.
_TOO_LARGE = re.compile(r"message larger than max|larger than max \(\d+ vs", re.IGNORECASE)
_NODE = re.compile(r"Detected at node '?([^'\s]+)|\{\{node ([^}]+)\}\}")
#: gRPC says the address, which is told already, and twice that it could not connect.
_UNCONNECTED = re.compile(r"failed to connect to all addresses; last error: .*?: Failed to connect to remote host: ")


def kind_of(code: str, details: str = "") -> CallKind:
    """Say what to do about a code; details matter where one code means two things."""
    if code == "RESOURCE_EXHAUSTED" and _TOO_LARGE.search(details):
        return CallKind.REFUSED
    return _KINDS.get(code, CallKind.FATAL)


def code_of_http(status: int) -> str:
    """Translate a status of HTTP that is no success."""
    return _HTTP.get(status, "FAILED_PRECONDITION")


def brief(details: str) -> str:
    """Return what a server says, in one line without stack traces; of TensorFlow the message and the graph's node."""
    lines = [line.strip() for line in details.splitlines() if line.strip()] or ["it says nothing more"]
    told = _UNCONNECTED.sub("it cannot be connected to: ", lines[0])
    if told.startswith("Graph execution error"):
        at = next((index for index, line in enumerate(lines) if line.startswith("[[{{node")), 0)
        node = _NODE.search(details)
        told = lines[at - 1] if at > 1 else told.rstrip(":")
        told += f" (node {node[1] or node[2]})" if node else ""
    return told if len(told) <= _MOST_CHARACTERS else f"{told[:_MOST_CHARACTERS]}…"


class CallError(PenstockError):
    """A call to a model server failed; ``kind`` says whose fault it is. It never leaves the job: rows get their own."""

    def __init__(self, code: str, details: str, kind: CallKind | None = None, server: str = "") -> None:
        """Tell what the server said.

        Args:
            code: gRPC's name of it, or one of this module's.
            details: the server's own words.
            kind: what the code says, if not given.
            server: host and port.
        """
        kind = kind or kind_of(code, details)
        super().__init__(code, details, kind, server)
        self.code = code
        self.details = details
        self.kind = kind
        self.server = server

    def __str__(self) -> str:
        server = f"server {self.server}: " if self.server else ""
        return f"{server}{self.code}: {brief(self.details)}"
