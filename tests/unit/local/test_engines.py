"""What scoring jobs need beside Flink: packages, jars, processes."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

from penstock.deployables import SCORING, chosen
from penstock.local import engines
from penstock.settings import Settings
from penstock.testing.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path


def without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    """Make this environment one in which these modules are not installed, and all others are."""
    monkeypatch.setattr(
        engines.importlib.util, "find_spec", lambda name: None if name in modules else object()
    )  # where they are is this machine's business


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an installation with Spark's jars."""
    (tmp_path / "jars" / "spark").mkdir(parents=True)
    (tmp_path / "jars" / "spark" / "some.jar").touch()
    return Settings(local={"jars_dir": tmp_path / "jars", "state_dir": tmp_path / "state"})


def test_nothing_is_lacking_where_all_is_installed(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Nor would anything be missed that no chosen job needs."""
    without(monkeypatch)
    assert engines.installed() == tuple(SCORING)
    assert engines.lacks(settings, chosen(SCORING)) == []

    without(monkeypatch, "pyspark", "PIL", "tensorflow")
    assert engines.installed() == ("pmml",)
    assert engines.lacks(settings, chosen(["pmml"])) == []


@pytest.mark.parametrize(
    ("jobs", "module", "told"),
    [
        (
            ["pmml", "spark"],
            "pyspark",
            "'pyspark' in .+, which job spark needs: run 'scripts/setup.sh --jobs pmml,spark'",
        ),
        (["service"], "PIL", "'pillow' in .+, which job service needs: run 'scripts/setup.sh --jobs service'"),
        (["service"], "tensorflow", "'tensorflow-cpu' in .+, which the embedded model server needs: .+service.servers"),
    ],
)
def test_engine_that_is_not_installed_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, jobs: list[str], module: str, told: str
) -> None:
    """Package, job, and the command that installs what all chosen jobs need."""
    without(monkeypatch, module)

    (fault,) = engines.lacks(settings, chosen(jobs))

    assert re.search(told, fault), fault


def test_own_servers_need_no_tensorflow(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Nor does a process for them start."""
    without(monkeypatch, "tensorflow")
    own = Settings(service={"servers": {"default": {"endpoints": ["models:8500"]}}}, local=settings.local)

    assert engines.lacks(own, chosen(["service"])) == []
    assert engines.needed(own, chosen(["service"])) == []


def test_spark_needs_its_jars(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Their folder is named."""
    without(monkeypatch)
    (fault,) = engines.lacks(Settings(local={"jars_dir": tmp_path}), chosen(["spark"]))

    assert f"no jars in '{tmp_path / 'spark'}', which job spark needs" in fault


@pytest.mark.parametrize(
    ("jobs", "names"),
    [
        (["pmml"], []),
        (["service"], ["model-server"]),
        (["spark"], ["spark-driver"]),
        (["pmml", "spark", "service"], ["model-server", "spark-driver"]),
    ],
)
def test_processes_by_job(settings: Settings, jobs: list[str], names: list[str]) -> None:
    """Whatever order the jobs are named in."""
    assert engines.needed(settings, chosen(jobs)) == names


def test_jobs_that_call_a_process_are_known(settings: Settings) -> None:
    """One whose model servers are others' calls none."""
    own = Settings(service={"servers": {"default": {"endpoints": ["models:8500"]}}}, local=settings.local)

    assert [item.name for item in engines.callers(settings, chosen(SCORING))] == ["service_job"]
    assert engines.callers(settings, chosen(["pmml", "spark"])) == ()
    assert engines.callers(own, chosen(["service"])) == ()


def test_server_answers_when_it_listens() -> None:
    """It does not before its models are loaded."""
    port = free_port()
    settings = Settings(local={"model_server_port": port})
    with socket.create_server(("127.0.0.1", port)):
        assert engines.answers(settings)
    assert not engines.answers(settings)
