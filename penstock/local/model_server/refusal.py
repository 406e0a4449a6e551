"""What the server answers instead of a result: a status code of gRPC's, which TensorFlow shares, and a text. Pure."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Code", "Refusal"]


class Code(IntEnum):
    """The codes that are used here, by the numbers that gRPC and TensorFlow give them."""

    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    UNIMPLEMENTED = 12
    INTERNAL = 13


class Refusal(Exception):  # noqa: N818  an answer of the protocol's, which no caller of Penstock's ever sees
    """A call that is not done, or a version that cannot be loaded."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return self.text
