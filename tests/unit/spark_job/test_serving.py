"""The models of a driver."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from jobs.spark_job.serving import SparkServing
from penstock.control import portable
from penstock.settings import Settings


def test_driver_loads_models_whose_requests_it_reads() -> None:
    """Several drivers share the models by name; what another one scores would fill the heap of this one."""
    settings = Settings(spark={"models_pattern": "a.*|mood"})
    nothing = cast("Any", SimpleNamespace())
    found = SparkServing(portable.pack(settings), lambda _: nothing, nothing, of_copies=False)
    try:
        assert [name for name in ("a", "abc", "mood", "moody", "ba") if found.serves(name)] == ["a", "abc", "mood"]
    finally:
        found.close()
