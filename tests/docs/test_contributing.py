"""The example of a transform of one's own: installed as a package is, and used in a document."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.docs.pages import ROOT, page

if TYPE_CHECKING:
    from pathlib import Path

CONTRIBUTING = page("CONTRIBUTING.md")
PROGRAM = """
import json, sys, yaml
from penstock.routing.registry import Side, pipeline, read
bound, faults = read(yaml.safe_load(sys.argv[1]), Side.EVENT)
assert not faults, list(map(str, faults))
print(json.dumps(pipeline(bound)(json.loads(sys.argv[2])), ensure_ascii=False))
"""


def test_transform_of_a_package_can_be_used(tmp_path: Path) -> None:
    """By its entry point, without a change to Penstock."""
    (module,) = CONTRIBUTING.marked("module: ")
    (points,) = CONTRIBUTING.marked("entry points")
    (example,) = CONTRIBUTING.marked("example")
    given, *steps, expected = example.body.splitlines()
    (tmp_path / module.mark.removeprefix("module: ")).write_text(module.body, encoding="utf-8")
    installed = tmp_path / "my_transforms-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: my-transforms\nVersion: 1.0\n", encoding="utf-8")
    (installed / "entry_points.txt").write_text(as_installed(points.body), encoding="utf-8")

    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, "\n".join(steps), given.removeprefix("# in: ")],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == json.loads(expected.removeprefix("# out: "))


def as_installed(toml: str) -> str:
    """Entry points as an installer writes them."""
    heading, *entries = toml.strip().splitlines()
    group = heading.removeprefix('[project.entry-points."').removesuffix('"]')
    return "\n".join([f"[{group}]", *(entry.replace('"', "") for entry in entries), ""])
