"""Prerequisites: what is found, and what is said when it is not enough."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.local import versions
from penstock.local.versions import COMPILER, JAVA, MAVEN, PYTHON, Program

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a program on the path that gives a fixed answer."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("JAVA_HOME", raising=False)

    def make(name: str, answer: str) -> None:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{answer}\nEND\n", encoding="utf-8")
        path.chmod(0o755)

    return make


@pytest.mark.parametrize(
    ("program", "answer", "found"),
    [
        (JAVA, 'openjdk version "17.0.15" 2025-04-15', (17, 0)),
        (JAVA, 'openjdk version "21" 2023-09-19', (21,)),
        (JAVA, 'java version "1.8.0_391"', (1, 8)),
        (COMPILER, "java.base@17.0.15\njdk.compiler@17.0.15\njdk.jdi@17.0.15", (17, 0)),
        (COMPILER, "java.base@21\njdk.compiler@21", (21,)),
        (COMPILER, "java.base@17.0.15\njava.compiler@17.0.15", None),
        (MAVEN, "Apache Maven 3.8.7\nMaven home: /usr/share/maven", (3, 8)),
        (MAVEN, "\x1b[1mApache Maven 3.9.6 (bc0240f)\x1b[m", (3, 9)),
        (MAVEN, "nonsense", None),
    ],
)
def test_version_is_read_from_the_answer(
    answering: Callable[[str, str], None], program: Program, answer: str, found: tuple[int, ...] | None
) -> None:
    """Each program has its own way to tell its version, some of them on standard error."""
    answering(program.command[0], answer)

    assert versions.found(program) == found


@pytest.mark.parametrize(
    ("program", "answer", "fault"),
    [
        (JAVA, 'version "17.0.1"', None),
        (JAVA, 'version "22"', None),
        (JAVA, 'version "11.0.2"', "Java 17 or later is needed, found 11.0: install a JDK 17"),
        (MAVEN, "Apache Maven 3.10.1", None),
        (MAVEN, "Apache Maven 3.6.3", "Maven 3.8 or later is needed, found 3.6: install Maven 3.8"),
    ],
)
def test_too_old_is_named_with_needed_and_found(
    answering: Callable[[str, str], None], program: Program, answer: str, fault: str | None
) -> None:
    """Versions compare as numbers, and a fault says what is needed, what was found and what to do."""
    answering(program.command[0], answer)

    faults = versions.faults(program)

    assert len(faults) == (0 if fault is None else 1)
    assert fault is None or faults[0].startswith(fault)


def test_runtime_without_a_compiler_is_named(answering: Callable[[str, str], None]) -> None:
    """It is Java enough to run everything, but Maven could not build with it."""
    answering("java", "java.base@17.0.15")

    (fault,) = versions.faults(COMPILER)
    assert fault.startswith("Java compiler 17 or later is needed, none was found: the Java that was found is a runtime")


def test_room_on_the_disk_is_looked_at(tmp_path: Path) -> None:
    """Before it is filled with downloads."""
    assert versions.disk_faults(tmp_path, 1) == []
    (fault,) = versions.disk_faults(tmp_path, 10**9)
    assert fault.startswith(f"1000000000 MiB of free disk are needed at '{tmp_path}', found ")


def test_missing_program_is_named() -> None:
    """Nothing found is said as such."""
    program = dataclasses.replace(MAVEN, command=("no-such-program-here", "-version"))

    assert versions.faults(program)[0].startswith("Maven 3.8 or later is needed, none was found: install")


def test_java_home_is_asked_first(
    answering: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flink's scripts use JAVA_HOME's Java, so that is the one that counts."""
    answering("java", 'version "11"')
    home = tmp_path / "home" / "bin"
    home.mkdir(parents=True)
    (home / "java").write_text("#!/bin/sh\necho 'version \"17.0.9\"' >&2\n", encoding="utf-8")
    (home / "java").chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(home.parent))

    assert versions.found(JAVA) == (17, 0)


def test_python_must_be_the_very_one() -> None:
    """PyFlink's dependencies do not exist for later ones."""
    assert versions.faults(PYTHON) == []
    newer = dataclasses.replace(PYTHON, needed=(3, 10))
    assert versions.faults(newer)[0].startswith("Python 3.10 is needed, found 3.11")


def test_check_runs_before_anything_is_installed() -> None:
    """The check needs nothing but the standard library: setup.sh runs it when there is no environment yet."""
    root = Path(__file__).parents[3]
    program = (
        "import sys, penstock.local.versions; print([n for n in ('psutil', 'pydantic', 'click') if n in sys.modules])"
    )

    answer = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
