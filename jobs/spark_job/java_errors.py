"""What Java throws, as it comes out of a call from Python: by py4j, or as what pyspark turns it into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors.exceptions.captured import CapturedException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

__all__ = ["JAVA_ERRORS", "lost", "said"]

JAVA_ERRORS: tuple[type[Exception], ...] = (Py4JJavaError, CapturedException)


def said(error: Any) -> str:
    """Return the exception's own text, without Java's stack."""
    if isinstance(error, Py4JJavaError):
        return str(error.java_exception.getMessage() or error.java_exception.toString())
    return str(error).partition("\n\nJVM stacktrace:")[0]


def lost(session: SparkSession, error: Exception) -> str | None:
    """Say why nothing at all can be computed any more, if an error means that; None: it is about what was computed."""
    if isinstance(error, (OSError, MemoryError)) or _is_of_the_way(error):
        return f"Java does not answer ({type(error).__name__}: {error}); see the driver's log for why it ended"
    try:
        if _has_stopped(session):
            return f"Spark has stopped; see the driver's log for why ({said(error)})"
        for cause in _causes(error):
            name = str(cause.getClass().getName())
            if name.endswith("OutOfMemoryError"):  # Spark's own is one of its kind
                return f"{name}: {cause.getMessage()}; raise spark.driver_memory_mb, or lower spark.frame_rows"
    except (Py4JError, OSError) as further:  # of this question, and so of the way to Java
        return f"Java does not answer any more ({type(further).__name__}: {further}); see the driver's log"
    return None


def _is_of_the_way(error: Exception) -> bool:
    return isinstance(error, Py4JError) and not isinstance(error, Py4JJavaError)


def _has_stopped(session: SparkSession) -> bool:
    java = session.sparkContext._jsc  # noqa: SLF001 (pyspark has no public name for it)
    return java is None or bool(java.sc().isStopped())


def _causes(error: Exception) -> Iterator[Any]:
    """Yield what Java threw, and the causes of it."""
    cause = error.java_exception if isinstance(error, Py4JJavaError) else getattr(error, "_origin", None)
    while cause is not None:
        yield cause
        cause = cause.getCause()
