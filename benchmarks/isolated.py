"""Environments of their own for reference programs that do not go with Penstock's pins."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.settings import Settings

__all__ = ["SkippedError", "python"]

_INSTALL_TIMEOUT_S = 300
_STAMP = "pins.sha256"


class SkippedError(Exception):
    """A program cannot be measured on this machine; the others can."""


def python(settings: Settings, requirements: str) -> str:
    """Return the interpreter of the environment with these pins, made at its first use.

    Args:
        settings: where the project and the benchmark's state folder are.
        requirements: file in requirements/.

    Raises:
        SkippedError: its packages cannot be installed here.
    """
    pins = settings.project_dir / "requirements" / requirements
    folder = settings.local.state_dir / "environments" / pins.stem
    interpreter, stamp = folder / "bin" / "python", folder / _STAMP
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="ascii") == digest:
        return str(interpreter)
    commands = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(pins)],
    )
    for command in commands:
        try:
            answer = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise SkippedError(f"its packages were not installed within {_INSTALL_TIMEOUT_S} s") from error
        if answer.returncode != 0:
            lines = (answer.stderr or answer.stdout).strip().splitlines()
            raise SkippedError(f"its packages cannot be installed: {lines[-1] if lines else 'no reason given'}")
    stamp.write_text(digest, encoding="ascii")
    return str(interpreter)
