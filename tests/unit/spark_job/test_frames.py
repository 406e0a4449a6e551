"""Pipelines in frames: whose fault it is that a job of Spark fails, with Spark's part played by this test."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from penstock.errors import EngineLostError, ScoringError

if TYPE_CHECKING:
    from collections.abc import Callable

py4j = pytest.importorskip("py4j.protocol", reason="tests/spark needs it anyway, and fails without")
engine = pytest.importorskip("jobs.spark_job.engine", reason="as above")


class Thrown:
    """What Java threw."""

    _target_id = "o1"

    def __init__(self, name: str, message: str, cause: Thrown | None = None) -> None:
        self.name, self.message, self.cause = name, message, cause

    def getCause(self) -> Thrown | None:  # noqa: N802 (as Java has it)
        """As Java has it."""
        return self.cause

    def getMessage(self) -> str:  # noqa: N802 (as Java has it)
        """As Java has it."""
        return self.message

    def getClass(self) -> Any:  # noqa: N802 (as Java has it)
        """As Java has it."""
        return SimpleNamespace(getName=lambda: self.name, getSimpleName=lambda: self.name.rpartition(".")[2])


def thrown(*names: str) -> Exception:
    """An error of Java as py4j raises it: the classes of what was thrown, and of its causes."""
    cause = None
    for name in reversed(names):
        cause = Thrown(name, f"message of {name}", cause)
    return py4j.Py4JJavaError("An error occurred", cause)  # type: ignore[no-any-return]


class Context:
    """Spark's, as far as it is asked whether it has stopped."""

    def __init__(self) -> None:
        self.stopped = False
        self.away: Exception | None = None

    @property
    def sparkContext(self) -> Any:  # noqa: N802 (as pyspark has it)
        """Itself, in pyspark's words."""
        return SimpleNamespace(_jsc=SimpleNamespace(sc=lambda: self))

    def isStopped(self) -> bool:  # noqa: N802 (as Java has it)
        """As this test says."""
        if self.away is not None:
            raise self.away
        return self.stopped


@pytest.fixture
def context() -> Context:
    """A context that runs."""
    return Context()


@pytest.fixture
def framed(context: Context, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], Any]:
    """Make a pipeline whose jobs fail with this error where a row is "bad"."""

    def made(error: Exception) -> Any:
        def score(rows: list[tuple[Any, ...]]) -> list[Any]:
            if ("bad",) in rows:
                raise error
            return rows

        found = engine._Framed(context, "m:1", None, {"text": "string"}, ("y",), frozenset())
        monkeypatch.setattr(found, "_score", score)
        return found

    return made


def test_fault_of_a_row_is_its_own(framed: Callable[[Exception], Any]) -> None:
    """Whatever the stage threw; the others have their answers."""
    error = thrown("org.apache.spark.SparkException", "java.lang.NumberFormatException")
    good, bad, other = framed(error).many([["a", "bad", "b"]], 3)

    assert (good, other) == (("a",), ("b",))
    assert isinstance(bad, ScoringError)
    assert "NumberFormatException: message of" in str(bad)


def test_fault_in_python_is_a_rows(framed: Callable[[Exception], Any]) -> None:
    """An answer that Python has no value for, as a date of the year 10000."""
    good, bad = framed(ValueError("year 10000 is out of range")).many([["a", "bad"]], 2)

    assert good == ("a",)
    assert "year 10000 is out of range" in str(bad)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (py4j.Py4JNetworkError("Answer from Java side is empty"), "Java does not answer .*Answer from Java side"),
        (py4j.Py4JError("An error occurred while calling o1.collect"), "Java does not answer"),
        (ConnectionRefusedError(111, "Connection refused"), "Java does not answer .*Connection refused"),
        (
            thrown("org.apache.spark.SparkException", "java.lang.OutOfMemoryError"),
            "message of java.lang.OutOfMemoryError; raise spark.driver_memory_mb",
        ),
        (thrown("org.apache.spark.memory.SparkOutOfMemoryError"), "raise spark.driver_memory_mb"),
    ],
)
def test_lost_engine_is_no_rows_fault(framed: Callable[[Exception], Any], error: Exception, said: str) -> None:
    """Good rows would become dead letters, one after the other."""
    with pytest.raises(EngineLostError, match=said):
        framed(error).many([["a", "bad", "b"]], 3)


def test_stopped_context_is_no_rows_fault(framed: Callable[[Exception], Any], context: Context) -> None:
    """Its errors have many names, so it is asked itself."""
    context.stopped = True
    with pytest.raises(EngineLostError, match="Spark has stopped"):
        framed(thrown("java.lang.IllegalStateException")).many([["bad"]], 1)


def test_java_that_ends_while_it_is_asked_is_lost(framed: Callable[[Exception], Any], context: Context) -> None:
    """The first error may be the last that it said."""
    context.away = py4j.Py4JNetworkError("no more")
    with pytest.raises(EngineLostError, match="Java does not answer any more"):
        framed(thrown("java.lang.IllegalStateException")).many([["bad"]], 1)


def test_frames_escape_names(context: Context) -> None:
    """As compiled pipelines do: both have one way to make a schema."""
    found = engine._Framed(context, "m:1", None, {"a`b": "long"}, ("y",), frozenset())

    assert found._schema == "`a``b` bigint"
