"""The programs that the machine must have: what is needed, what was found.

Run as a program (``python3.11 -m penstock.local.versions``) it checks all of them, and the room on the disk, before
anything is installed, so it imports the standard library only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ANSWER_TIMEOUT_S",
    "COMPILER",
    "JAVA",
    "MAVEN",
    "PYTHON",
    "Program",
    "disk_faults",
    "faults",
    "found",
    "java",
    "main",
]

#: A Java that hangs is given up, not one on a machine that stands still for half a minute.
ANSWER_TIMEOUT_S = 120
_STATUS = 5  # the command line's exit status for a machine that lacks something
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that is needed: how to ask for its version, the least one, and how to get it."""

    name: str
    command: tuple[str, ...]
    pattern: str
    needed: tuple[int, ...]
    exact: bool = False
    advice: str


PYTHON = Program(
    name="Python",
    command=(sys.executable, "--version"),
    pattern=r"Python (\d+)\.(\d+)",
    needed=(3, 11),
    exact=True,  # PyFlink's own dependencies exist for it and not for later ones
    advice="install Python 3.11 and run this with it",
)
JAVA = Program(
    name="Java",
    command=("java", "-version"),
    pattern=r'version "(\d+)(?:\.(\d+))?',
    needed=(17,),
    advice="install a JDK 17 or later and put its 'java' on the PATH, or set JAVA_HOME",
)
COMPILER = Program(
    name="Java compiler",
    command=(JAVA.command[0], "--list-modules"),  # Maven compiles with what its Java has in itself, not with any javac
    pattern=r"jdk\.compiler@(\d+)(?:\.(\d+))?",
    needed=(17,),
    advice="the Java that was found is a runtime (JRE) alone: install the JDK",
)
MAVEN = Program(
    name="Maven",
    command=("mvn", "-version"),
    pattern=r"Apache Maven (\d+)\.(\d+)",
    needed=(3, 8),
    advice="install Maven 3.8 or later and put its 'mvn' on the PATH",
)


def java() -> str:
    """Return the Java that everything runs with: that of JAVA_HOME, else the one on the PATH, as Flink's scripts do."""
    home = os.environ.get("JAVA_HOME")
    return str(Path(home) / "bin" / "java") if home else JAVA.command[0]


def found(program: Program) -> tuple[int, ...] | None:
    """Return the version that is there, or None: the program is missing, or does not answer with a version."""
    executable, *arguments = program.command
    path = shutil.which(java() if executable == JAVA.command[0] else executable)
    if path is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - one of the programs above
            [path, *arguments], capture_output=True, text=True, timeout=ANSWER_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(program.pattern, answer.stdout + answer.stderr)
    return tuple(int(part) for part in match.groups() if part is not None) if match else None


def faults(*programs: Program) -> list[str]:
    """Say of each program that is missing or of the wrong version what is needed, what was found and what to do."""
    return [fault for program in programs if (fault := _fault(program, found(program)))]


def _fault(program: Program, version: tuple[int, ...] | None) -> str | None:
    needed = _dotted(program.needed) + ("" if program.exact else " or later")
    if version is None:
        return f"{program.name} {needed} is needed, none was found: {program.advice}"
    compared = version[: len(program.needed)]
    good = compared == program.needed if program.exact else compared >= program.needed
    return None if good else f"{program.name} {needed} is needed, found {_dotted(version)}: {program.advice}"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def disk_faults(folder: Path, needed_mb: int) -> list[str]:
    """Say that a folder's disk has less room than is needed, if it has."""
    free_mb = shutil.disk_usage(folder).free // _MIB
    if free_mb >= needed_mb:
        return []
    return [f"{needed_mb} MiB of free disk are needed at {str(folder.absolute())!r}, found {free_mb}: make room"]


def main(room_mb: int = 0) -> None:
    """Check all programs and the room here; end with a message and status 5 if anything is missing or too old."""
    found_faults = [*faults(PYTHON), *(faults(JAVA) or faults(COMPILER)), *faults(MAVEN), *disk_faults(Path(), room_mb)]
    for fault in found_faults:
        sys.stderr.write(f"error: {fault}\n")
    sys.exit(_STATUS if found_faults else 0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
