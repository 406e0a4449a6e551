"""A session of Spark in the tests' own process, with the jars of the Spark job."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

__all__ = ["session"]

JARS = Path(__file__).parents[1] / ".penstock" / "jars" / "spark"


@contextmanager
def session(folder: Path, *, slots: int = 8) -> Iterator[SparkSession]:
    """Start one that ends with the block; what it writes is in a folder. A process has one at a time."""
    assert list(JARS.glob("*.jar")), f"no jars in {JARS}: run scripts/setup.sh --dev"
    ours = {name: text for name, text in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    with mock.patch.dict(os.environ, {**ours, "SPARK_LOCAL_IP": "127.0.0.1"}, clear=True):
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master(f"local[{slots}]")
        conf = {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraClassPath": f"{JARS}/*",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.memory": "512m",
            "spark.local.dir": str(folder),
            "spark.sql.shuffle.partitions": "1",
            "spark.sql.warehouse.dir": str(folder),
            "spark.ui.enabled": "false",
        }
        for name, value in conf.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
    try:
        spark.sparkContext.setLogLevel("OFF")
        yield spark
    finally:
        spark.stop()
