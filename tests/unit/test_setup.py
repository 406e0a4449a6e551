"""scripts/setup.sh with stand-ins for Python and Maven: how it gets the jars."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[2] / "scripts" / "setup.sh"
#: Does what the script needs of Python, which is the wheel's stamp.
PYTHON = """#!/bin/sh
case "$*" in
  *penstock.local.wheel*) mkdir -p .penstock/wheel; echo 1 >.penstock/wheel/sources.sha256; echo a.whl ;;
esac
"""
MAVEN = """#!/bin/sh
for argument in "$@"; do case $argument in -Djars.directory=*) folder=${argument#*=} ;; esac; done
case "$*" in *tests/pom.xml*) name=jpmml/test ;; *) name=flink/new ;; esac
mkdir -p "$folder/${name%/*}"
echo new >"$folder/$name.jar"
echo called >>maven.log
exit ${MAVEN_STATUS:-0}
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a jar of an earlier pom.xml."""
    files = {
        "scripts/setup.sh": SETUP.read_text(encoding="utf-8"),
        "bin/python3.11": PYTHON,
        "bin/mvn": MAVEN,
        ".venv/bin/python": PYTHON,
        "java/io/penstock/flink/A.java": "",
        "java/resources/META-INF/services/A": "",
        "pom.xml": "",
        "tests/pom.xml": "",
        ".penstock/jars/flink/old.jar": "old",
        **{f"requirements/{name}.txt": "" for name in ("core", "pmml", "stores", "models", "dev")},
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

    assert jars(checkout) == {"new.jar", "test.jar"}
    assert (checkout / "maven.log").read_text(encoding="utf-8") == "called\n" * 2


def test_new_jars_leave_none_behind(checkout: Path) -> None:
    """A changed pom.xml takes the jars for tests away, too, until a developer's setup fetches them anew."""
    assert setup(checkout, "--dev").returncode == 0
    (checkout / "pom.xml").write_text("changed", encoding="utf-8")

    assert setup(checkout).returncode == 0
    assert jars(checkout) == {"new.jar"}

    assert setup(checkout, "--dev").returncode == 0
    assert jars(checkout) == {"new.jar", "test.jar"}
