"""The session's configuration, and the environment that Java is started in."""

import os
import sys
from pathlib import Path

import pytest

from jobs.spark_job import session
from penstock.errors import PrerequisiteError

JAVA = session.Java(heap_mb=512, slots=64, jars=Path("/jars"), folder=Path("/work"))


def test_configuration_is_for_one_machine() -> None:
    """Slots are threads; nothing listens for strangers."""
    found = session.configuration(JAVA)
    assert (found["spark.master"], found["spark.driver.memory"]) == ("local[64]", "512m")
    assert (found["spark.driver.extraClassPath"], found["spark.ui.enabled"]) == ("/jars/*", "false")
    assert found["spark.driver.bindAddress"] == "127.0.0.1"


def test_nothing_is_remembered_of_files_that_were_read() -> None:
    """Spark would keep what it knows of each model's files, up to 250 MB, for models that are long gone."""
    assert session.configuration(JAVA)["spark.sql.hive.filesourcePartitionFileCacheSize"] == "0"


def test_environment_is_ours() -> None:
    """What the user's says of Spark would change everything; the rest stays."""
    given = {"SPARK_HOME": "/theirs", "PYSPARK_PYTHON": "python2", "PYSPARK_SUBMIT_ARGS": "--x", "PATH": "/bin"}
    found = session.clean(given, JAVA)
    assert found == {
        "PATH": "/bin",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONF_DIR": "/work",
    }


def test_missing_jars_are_told(tmp_path: Path) -> None:
    """With what to run; the environment stays as it was."""
    before = dict(os.environ)
    pytest.importorskip("pyspark", reason="tests/spark needs it anyway, and fails without")
    with pytest.raises(PrerequisiteError, match="job spark needs its jars"):
        session.start(session.Java(heap_mb=512, slots=1, jars=tmp_path, folder=tmp_path / "work"))
    assert dict(os.environ) == before
