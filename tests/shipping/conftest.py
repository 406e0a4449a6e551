"""What the shipping tests share: the built wheel, and a fresh interpreter that has nothing of ours but the wheel."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from penstock.local import wheel
from tests.patience import SOON_S

ROOT = Path(__file__).parents[2]
OURS = ("penstock", "input_adapter", "output_adapter", "jobs")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Python with third parties' packages and the unpacked wheel: what a worker of Flink's has."""

    path: tuple[Path, ...]
    folder: Path

    def run(self, program: str, given: bytes = b"") -> Any:
        """Run a program that writes JSON to the file that it is told; return what it wrote.

        Neither the folder it runs in, nor the environment, nor an installed Penstock is on its path.
        """
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        opening = f"import sys; sys.path[1:1] = {[str(entry) for entry in self.path]!r}; answer = {str(answer)!r}\n"
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", opening + program],
            cwd=self.folder,
            input=given,
            capture_output=True,
            timeout=2 * SOON_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr.decode()
        return json.loads(answer.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout as it is."""
    return wheel.build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def third_parties(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of links to everything that is installed here, except for Penstock itself."""
    folder = tmp_path_factory.mktemp("site-packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(OURS) and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture
def interpreter(built: Path, third_parties: Path, tmp_path: Path) -> Interpreter:
    """A fresh interpreter with the wheel unpacked, as Flink unpacks it for its workers."""
    unpacked = tmp_path / "python-files" / built.name
    zipfile.ZipFile(built).extractall(unpacked)
    return Interpreter((unpacked, third_parties), tmp_path)
