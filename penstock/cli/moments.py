"""Moments as a person types them: how long ago (``10m``), or a date and time (RFC 3339). Pure."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Moment", "parse_moment"]

_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGO = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_moment(text: str, now_ms: int) -> int:
    """Milliseconds since 1970 of a moment.

    Raises:
        ValueError: neither form, or a date and time without its zone.
    """
    if ago := _AGO.fullmatch(text):
        return now_ms - round(float(ago[1]) * _UNIT_MS[ago[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no moment: expected how long ago (30s, 10m, 2h, 7d) or a time like 2026-01-02T03:04:05Z"
        ) from error
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone: add Z for UTC, or an offset like +01:00")
    return round(moment.timestamp() * 1000)


class Moment(click.ParamType[int]):
    """A command-line value that is a moment, handed over as milliseconds since 1970."""

    name = "moment"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse what was typed; a value of ours passes through."""
        if isinstance(value, int):
            return value
        try:
            return parse_moment(str(value), round(self._clock() * 1000))
        except ValueError as error:
            self.fail(str(error), param, ctx)
