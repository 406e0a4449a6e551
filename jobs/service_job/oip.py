"""What both transports of the Open Inference Protocol share: versions, which are texts there, and its one method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.service_job.client import Method
from penstock.remote.calls import CallError

if TYPE_CHECKING:
    from jobs.service_job.client import ModelSpec

__all__ = ["predicts_only", "version_number", "version_text"]


def version_text(spec: ModelSpec) -> str:
    """Return the version that a request names; empty, if the server is to choose."""
    return (spec.label or "") if spec.version is None else str(spec.version)


def version_number(text: str) -> int | None:
    """Return the version that an answer names, where it is a number."""
    return int(text) if text.isascii() and text.isdigit() else None


def predicts_only(spec: ModelSpec) -> None:
    """Refuse what is TensorFlow Serving's alone."""
    if spec.method is not Method.PREDICT:
        raise CallError(
            "UNIMPLEMENTED", f"the Open Inference Protocol has no method {spec.method.value!r}; set method: predict"
        )
