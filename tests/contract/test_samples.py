"""The image classifier's files come out of their script again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.patience import SOON_S

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "image-classifier" / "1"


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a file with a line of JSON each."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_training_again_gives_the_same_answers(tmp_path: Path) -> None:
    """Images byte for byte, scores up to the last digits, which other processors may change; the same files inside."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    command = [sys.executable, "-W", "ignore", ROOT / "models" / "digits.py", "--out", tmp_path]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=2 * SOON_S, check=False)
    assert answer.returncode == 0, answer.stderr

    found, golden = lines(tmp_path / "golden.jsonl"), lines(MODEL / "golden.jsonl")
    assert [row["input"] for row in found] == [row["input"] for row in golden]
    assert [row["outputs"]["label"] for row in found] == [row["outputs"]["label"] for row in golden]
    scores = [[row["outputs"]["scores"] for row in rows] for rows in (found, golden)]
    assert np.allclose(*scores, rtol=1e-4, atol=1e-6)
    assert (tmp_path / "images.jsonl").read_bytes() == (ROOT / "penstock/demo_events/images.jsonl").read_bytes()
    names = [zipfile.ZipFile(folder / "model.zip").namelist() for folder in (tmp_path, MODEL)]
    assert names[0] == names[1]
