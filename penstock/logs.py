"""Logs: one way to get a logger, events with key=value facts, as text for people or JSON for machines."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Logger", "configure", "get_logger"]

#: Libraries that tell of every attempt to connect; what went wrong reaches the user as one line of our own.
_CHATTY = ("kafka",)


class Logger:
    """A named logger whose calls take the event's name and its facts: ``log.info("topic created", topic="t")``."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **facts: object) -> None:
        """Log what only someone hunting a fault wants."""
        self._log(logging.DEBUG, event, facts)

    def info(self, event: str, **facts: object) -> None:
        """Log a step of normal work."""
        self._log(logging.INFO, event, facts)

    def warning(self, event: str, **facts: object) -> None:
        """Log what went wrong and was made good."""
        self._log(logging.WARNING, event, facts)

    def error(self, event: str, **facts: object) -> None:
        """Log what went wrong and was not made good."""
        self._log(logging.ERROR, event, facts)

    def exception(self, event: str, **facts: object) -> None:
        """Log what went wrong together with the stack trace of the exception being handled."""
        self._log(logging.ERROR, event, facts, trace=True)

    def _log(self, level: int, event: str, facts: Mapping[str, object], *, trace: bool = False) -> None:
        if self._logger.isEnabledFor(level):
            extra = {"event": event, "facts": facts}
            self._logger.log(level, "%s%s", event, _Tail(facts), exc_info=trace, extra=extra)


def get_logger(name: str) -> Logger:
    """Return the logger of a module; pass ``__name__``."""
    return Logger(name)


def configure(level: str = "INFO", layout: str = "text", stream: TextIO | None = None) -> None:
    """Send every log line to ``stream`` (standard error by default), from ``level`` up, as ``text`` or ``json``."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_JsonLines() if layout == "json" else _TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class _Tail:
    """Facts as text. They are part of the message, because Flink's workers have a formatter of their own."""

    facts: Mapping[str, object]

    def __str__(self) -> str:
        return "".join(f" {key}={json.dumps(value, default=str)}" for key, value in self.facts.items())


class _TextLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts: Mapping[str, object] = getattr(record, "facts", {})
        line: dict[str, object] = {
            **facts,
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "event": getattr(record, "event", None) or record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
