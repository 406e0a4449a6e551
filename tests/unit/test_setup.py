"""scripts/setup.sh with stand-ins for Python and Maven: which packages and jars it gets, and when."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "scripts" / "setup.sh"
#: Does what the script needs of Python, which is the wheel's stamp, and notes what is to be installed.
PYTHON = """#!/bin/sh
case "$*" in
  *"pip install"*requirement*)
    for argument in "$@"; do case $argument in
      --no-deps) echo no-deps >>pip.log ;;
      --requirement=*) basename "${argument##*/}" .txt >>pip.log ;;
    esac; done
    echo . >>pip.log; exit ${PIP_STATUS:-0} ;;
  *penstock.local.versions*) echo "${*##* }" >room.log ;;
  *penstock.local.wheel*) mkdir -p .penstock/wheel; echo 1 >.penstock/wheel/sources.sha256; echo a.whl ;;
esac
"""
PINS = ("core", "stores", "pmml", "spark", "service", "model-server", "models", "dev", "contract")
MAVEN = """#!/bin/sh
for argument in "$@"; do case $argument in -Djars.directory=*) folder=${argument#*=} ;; esac; done
case "$*" in
  *tests/pom.xml*) name=jpmml/test ;;
  *spark/pom.xml*) name=spark/spark ;;
  *) name=flink/new ;;
esac
mkdir -p "$folder/${name%/*}"
echo new >"$folder/$name.jar"
echo called >>maven.log
exit ${MAVEN_STATUS:-0}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a jar of an earlier pom.xml, once set up for job pmml."""
    files = {
        "scripts/setup.sh": SETUP.read_text(encoding="utf-8"),
        "bin/python3.11": PYTHON,
        "bin/mvn": MAVEN,
        ".venv/bin/python": PYTHON,
        "java/io/penstock/flink/A.java": "",
        "java/resources/META-INF/services/A": "",
        "java/io/penstock/headers/A.java": "",
        "java/io/penstock/spark/A.java": "",
        "java/spark/pom.xml": "",
        "pom.xml": "",
        "tests/pom.xml": "",
        ".penstock/jobs": "pmml",
        ".penstock/jars/flink/old.jar": "old",
        **{f"requirements/{name}.txt": "" for name in PINS},
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    return tmp_path


def setup(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a checkout."""
    path = f"{checkout / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        [checkout / "scripts" / "setup.sh", *arguments],
        env={**os.environ, "PATH": path, "PYTHON": "python3.11", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def jars(checkout: Path) -> set[str]:
    """Names of the jars that a start would use."""
    return {path.name for path in (checkout / ".penstock" / "jars").rglob("*.jar")}


def installed(checkout: Path) -> list[set[str]]:
    """The files of pins that each call of pip was given."""
    log = checkout / "pip.log"
    calls = log.read_text(encoding="utf-8").split(".\n")[:-1] if log.exists() else []
    return [set(call.split()) for call in calls]


def test_only_what_is_chosen_is_installed(checkout: Path) -> None:
    """TensorFlow and Spark are large: who scores PMML has neither."""
    assert setup(checkout, "--jobs", "pmml").returncode == 0

    assert installed(checkout) == [{"core", "stores", "pmml"}]
    assert jars(checkout) == {"new.jar"}


def test_without_a_choice_all_jobs_are_meant(checkout: Path) -> None:
    """As long as nobody ever chose."""
    (checkout / ".penstock" / "jobs").unlink()

    assert setup(checkout).returncode == 0
    assert installed(checkout) == [{"core", "stores", "pmml", "spark", "service", "model-server"}]
    assert jars(checkout) == {"new.jar", "spark.jar"}


def test_choice_is_remembered(checkout: Path) -> None:
    """The next setup without one does nothing more."""
    assert setup(checkout, "--jobs=pmml,service").returncode == 0
    assert setup(checkout).returncode == 0

    assert installed(checkout) == [{"core", "stores", "pmml", "service", "model-server"}]


def test_what_was_installed_is_kept_up_to_date(checkout: Path) -> None:
    """All together, also what is not chosen any more: half an environment of older pins would not fit the rest."""
    assert setup(checkout, "--jobs", "pmml,spark").returncode == 0
    (checkout / "requirements" / "core.txt").write_text("changed", encoding="utf-8")
    assert setup(checkout, "--jobs", "pmml").returncode == 0

    assert installed(checkout) == [{"core", "stores", "pmml", "spark"}] * 2


def test_room_is_asked_for_what_is_missing(checkout: Path) -> None:
    """Once it is installed, none is needed."""
    rooms = []
    for choice in ("pmml", "pmml,spark", "pmml,spark,service", "spark"):
        assert setup(checkout, "--jobs", choice).returncode == 0
        rooms.append(int((checkout / "room.log").read_text(encoding="utf-8")))

    assert rooms == [3072, 1536, 1792, 0]


def test_source_of_the_contract_comes_without_what_it_asks_for(checkout: Path) -> None:
    """It would bring a second TensorFlow."""
    assert setup(checkout, "--dev").returncode == 0

    assert installed(checkout) == [{*PINS} - {"contract"}, {"no-deps", "contract"}]


def test_failed_installation_is_tried_again(checkout: Path) -> None:
    """And says so by its exit status, though the jars are there."""
    assert setup(checkout, PIP_STATUS="1").returncode == 1
    assert setup(checkout).returncode == 0

    assert installed(checkout) == [{"core", "stores", "pmml"}] * 2


@pytest.mark.parametrize("choice", ["pmml,flink", "", ","])
def test_unknown_job_is_wrong_usage(checkout: Path, choice: str) -> None:
    """Nothing is installed on a guess."""
    answer = setup(checkout, "--jobs", choice)

    assert answer.returncode == 2
    assert "there are: pmml spark service" in answer.stderr
    assert not installed(checkout)


def test_jars_are_replaced_once(checkout: Path) -> None:
    """By those of the new pom.xml; then there is nothing to do."""
    assert setup(checkout).returncode == 0
    assert setup(checkout).returncode == 0

    assert jars(checkout) == {"new.jar"}
    assert (checkout / "maven.log").read_text(encoding="utf-8") == "called\n"


def test_failed_fetch_leaves_the_old_jars(checkout: Path) -> None:
    """And the next run tries again."""
    assert setup(checkout, MAVEN_STATUS="1").returncode != 0
    assert jars(checkout) == {"old.jar"}

    assert setup(checkout).returncode == 0
    assert jars(checkout) == {"new.jar"}


def test_jars_in_use_are_left_alone(checkout: Path) -> None:
    """Java would find other classes in them than it began with."""
    with (checkout / ".penstock" / "jars" / "flink" / "old.jar").open("rb"):
        answer = setup(checkout)

    assert answer.returncode == 1
    assert "a stack runs from them: stop it first, with scripts/stop.sh" in answer.stderr
    assert jars(checkout) == {"old.jar"}


def test_only_developers_get_the_jars_for_tests(checkout: Path) -> None:
    """Once, beside those that a stack runs from, which stay untouched."""
    assert setup(checkout).returncode == 0
    with (checkout / ".penstock" / "jars" / "flink" / "new.jar").open("rb"):
        assert setup(checkout, "--dev").returncode == 0
    assert setup(checkout, "--dev").returncode == 0

    assert jars(checkout) == {"new.jar", "spark.jar", "test.jar"}
    assert (checkout / "maven.log").read_text(encoding="utf-8") == "called\n" * 3


def test_new_jars_leave_none_behind(checkout: Path) -> None:
    """A changed pom.xml takes the jars for tests away, too, until a developer's setup fetches them anew."""
    assert setup(checkout, "--dev").returncode == 0
    (checkout / "pom.xml").write_text("changed", encoding="utf-8")

    assert setup(checkout).returncode == 0
    assert jars(checkout) == {"new.jar"}

    assert setup(checkout, "--dev").returncode == 0
    assert jars(checkout) == {"new.jar", "spark.jar", "test.jar"}
