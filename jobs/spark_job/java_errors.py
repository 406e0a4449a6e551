"""What Java throws, as it comes out of a call from Python: by py4j, or as what pyspark turns it into."""

from __future__ import annotations

from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors.exceptions.captured import CapturedException

__all__ = ["JAVA_ERRORS", "said"]

JAVA_ERRORS: tuple[type[Exception], ...] = (Py4JJavaError, CapturedException)


def said(error: Any) -> str:
    """Return the exception's own text, without Java's stack."""
    if isinstance(error, Py4JJavaError):
        return str(error.java_exception.getMessage() or error.java_exception.toString())
    return str(error).partition("\n\nJVM stacktrace:")[0]
