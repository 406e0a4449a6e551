"""Dead letters: the original record, byte for byte, with the cause of its failure in added headers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from penstock.errors import ErrorCode, InternalError, RecordError
from penstock.event import CONFIG_VERSION, MODEL, ROUTE, SOURCE, Blank, added_size, ce_time, pack_headers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from penstock.event import Delivery

__all__ = [
    "ERROR_ATTEMPTS",
    "ERROR_CODE",
    "ERROR_COMPONENT",
    "ERROR_REASON",
    "ERROR_RECORD",
    "ERROR_STAGE",
    "ERROR_TIME",
    "ERROR_VALUE_BYTES",
    "Cause",
    "DeadLetters",
    "ErrorCode",
    "Origin",
    "Stage",
]

ERROR_CODE = "penstock-error-code"
ERROR_REASON = "penstock-error-reason"
ERROR_STAGE = "penstock-error-stage"
ERROR_COMPONENT = "penstock-error-component"
ERROR_RECORD = "penstock-error-record"
ERROR_ATTEMPTS = "penstock-error-attempts"
ERROR_TIME = "penstock-error-time"
ERROR_VALUE_BYTES = "penstock-error-value-bytes"
"""Only where the original's value is too large for the dead letter too: how many bytes were left out."""

# A reason is for a person to read; the rest of what it quotes is in the record itself.
_REASON_CHARACTERS = 500


class Stage(StrEnum):
    """Which deployable gave up on the record: the values of ``penstock-error-stage``."""

    INPUT_ADAPTER = "input_adapter"
    PMML_JOB = "pmml_job"
    SPARK_JOB = "spark_job"
    SERVICE_JOB = "service_job"
    OUTPUT_ADAPTER = "output_adapter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a failed record comes from, as far as it is known when it fails."""

    source: str | None = None
    """Coordinates of the event on the user's topic."""
    route: str | None = None
    model: str | None = None
    config_version: int | str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a record is a dead letter; `headers` writes it, `parse` reads it back."""

    code: ErrorCode | str
    """A plain string only when read from a letter that another version of Penstock wrote."""
    reason: str
    stage: Stage | str
    component: str
    """The part of the stage that found the fault."""
    record: str
    """Coordinates of the record that failed: the event, the request or the result."""
    source: str | None = None
    """Coordinates of the event on the user's topic; those of `record` in the input adapter."""
    model: str | None = None
    route: str | None = None
    config_version: int | str | None = None
    attempts: int = 1
    failed_ms: int | None = None
    """When the stage gave up, in milliseconds since 1970; the record's own timestamp is its event's."""

    def headers(self) -> dict[str, str]:
        """The headers that are added to the original's."""
        reason = " ".join(self.reason.split())
        found = {
            ERROR_CODE: self.code,
            ERROR_REASON: reason if len(reason) <= _REASON_CHARACTERS else f"{reason[:_REASON_CHARACTERS]}…",
            ERROR_STAGE: self.stage,
            ERROR_COMPONENT: self.component,
            ERROR_RECORD: self.record,
            ERROR_ATTEMPTS: str(self.attempts),
            ERROR_TIME: None if self.failed_ms is None else ce_time(self.failed_ms),
            SOURCE: self.source,
            MODEL: self.model,
            ROUTE: self.route,
            CONFIG_VERSION: None if self.config_version is None else str(self.config_version),
        }
        return {name: text for name, text in found.items() if text}

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> Cause | None:
        """The cause that a dead letter's headers tell; None where they are no dead letter's.

        Reads letters of other versions too: a code or stage that this version does not know stays a plain string.
        """
        if ERROR_CODE not in headers:
            return None
        code, stage = headers[ERROR_CODE], headers.get(ERROR_STAGE, "")
        version, attempts = headers.get(CONFIG_VERSION, ""), headers.get(ERROR_ATTEMPTS, "")
        return cls(
            code=ErrorCode(code) if code in set(ErrorCode) else code,
            reason=headers.get(ERROR_REASON, ""),
            stage=Stage(stage) if stage in set(Stage) else stage,
            component=headers.get(ERROR_COMPONENT, ""),
            record=headers.get(ERROR_RECORD, ""),
            source=headers.get(SOURCE),
            model=headers.get(MODEL),
            route=headers.get(ROUTE),
            config_version=int(version) if version.isdecimal() else version or None,
            attempts=int(attempts) if attempts.isdecimal() else 1,
            failed_ms=_milliseconds(headers.get(ERROR_TIME, "")),
        )


def _milliseconds(text: str) -> int | None:
    """Read what `ce_time` wrote; None for any other text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else round(moment.timestamp() * 1000)


_NOWHERE = Origin()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """Turns failed records into deliveries to the dead-letter topic; one for each worker."""

    topic: str
    stage: Stage
    component: str
    max_bytes: int
    """Largest record that the dead-letter topic takes (``limits.max_dead_letter_bytes``)."""
    clock: Callable[[], float] = time.time
    """Seconds since 1970."""

    def deliver(self, error: Exception, value: bytes | None, unseen_bytes: int, origin: Origin = _NOWHERE) -> Delivery:
        """The record as a dead letter; an error that is no `RecordError` is our own fault and gets code INTERNAL.

        Where the original does not fit even here, its value is left out. A record whose key and headers alone are too
        large is delivered nowhere, because a producer that refuses a record stops the whole job; the cause goes along,
        by which the worker that finds it among its deliveries counts it as lost.

        Args:
            error: what went wrong with it.
            value: the record's own.
            unseen_bytes: what its key, its headers and Kafka's own bookkeeping add to the value.
            origin: what is known of where it comes from and where it was going.
        """
        fault = error if isinstance(error, RecordError) else InternalError(type(error).__name__, str(error))
        added = Cause(
            code=fault.code,
            reason=fault.reason,
            stage=self.stage,
            component=self.component,
            record=Blank.PLACE,
            source=origin.source,
            model=origin.model,
            route=origin.route,
            config_version=origin.config_version,
            failed_ms=int(self.clock() * 1000),
        ).headers()
        packed = pack_headers(added)
        if unseen_bytes + len(value or b"") + added_size(packed) <= self.max_bytes:
            return self.topic, None, packed
        packed = pack_headers({**added, ERROR_VALUE_BYTES: str(len(value or b""))})
        fits = unseen_bytes + added_size(packed) <= self.max_bytes
        return (self.topic if fits else None), b"", packed
