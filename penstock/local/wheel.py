"""The wheel that jobs run from: built from the checkout, and only when its sources changed.

Run as a program (``python -m penstock.local.wheel FOLDER``) it prints the wheel's path.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["build", "main", "sources_hash"]

#: What ends up in the wheel, as pyproject.toml says too.
_PACKAGES = ("penstock", "input_adapter", "output_adapter", "jobs")
_STAMP = "sources.sha256"
_BUILD_TIMEOUT_S = 120


def build(project_dir: Path, folder: Path) -> Path:
    """Return the wheel of the checkout at ``project_dir``; it is built if the one in ``folder`` is of other sources.

    Raises:
        StackError: there is no checkout, or the build fails or does not end in time.
    """
    if not (project_dir / "pyproject.toml").is_file():
        raise StackError("wheel", "", f"{str(project_dir)!r} is no checkout of Penstock: run this in one")
    folder.mkdir(parents=True, exist_ok=True)
    stamp, digest = folder / _STAMP, sources_hash(project_dir)
    built = sorted(folder.glob("*.whl"))
    if len(built) == 1 and stamp.is_file() and stamp.read_text(encoding="ascii") == digest:
        return built[0]
    for old in built:
        old.unlink()
    try:
        answer = subprocess.run(  # noqa: S603 - the build tool of this environment
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
            cwd=project_dir,
            capture_output=True,
            text=True,
            timeout=_BUILD_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        advice = f"the wheel was not built within {_BUILD_TIMEOUT_S} s; is this machine very busy? Run this again"
        raise StackError("wheel", "", advice) from error
    if answer.returncode != 0:
        raise StackError("wheel", answer.stderr.strip(), "the wheel cannot be built from the checkout; mend that first")
    stamp.write_text(digest, encoding="ascii")
    return next(folder.glob("*.whl"))


def sources_hash(project_dir: Path) -> str:
    """Return a digest of everything that ends up in the wheel: names and contents."""
    digest = hashlib.sha256()
    for path in _sources(project_dir):
        digest.update(str(path.relative_to(project_dir)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _sources(project_dir: Path) -> Iterator[Path]:
    yield project_dir / "pyproject.toml"
    for package in _PACKAGES:
        for path in sorted((project_dir / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def main() -> None:
    """Build the wheel of the checkout that this is run in, if need be, and print its path."""
    click.echo(build(Path.cwd(), Path(sys.argv[1])))


if __name__ == "__main__":
    main()
