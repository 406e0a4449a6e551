"""Write requirements/*.txt: the exact version of everything that pyproject.toml asks for, and of all that those need.

The versions are those of the environment that this is run in (``make pins``): upgrade there, run the tests, then pin.
"""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parent.parent
#: Extras that are installed and tested together. The others, gs and azure, are pinned nowhere: nothing here has them.
TOGETHER = {
    "pmml": ("pmml",),
    "spark": ("spark",),
    "service": ("service",),
    "model-server": ("model-server",),
    "models": ("models",),
    "stores": ("http", "s3"),
}


def wanted(pyproject: dict[str, object]) -> dict[str, list[str]]:
    """Return what each file is made of, and which file it adds to."""
    project = pyproject["project"]
    extras = project["optional-dependencies"]
    groups = pyproject["dependency-groups"]
    together = {file: [one for name in names for one in extras[name]] for file, names in TOGETHER.items()}
    return {"core": project["dependencies"], **together, **groups}


def closure(requirements: Iterable[str]) -> dict[str, str]:
    """Return name and installed version of every distribution that the requirements need here, directly or not."""
    pins: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [(Requirement(text), "") for text in requirements]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"{requirement} is not installed here: run 'make setup' first")
        pins[name] = found.version
        for asked in ("", *requirement.extras):
            if (name, asked) not in seen:
                seen.add((name, asked))
                todo += [(Requirement(text), asked) for text in found.requires or ()]
    return pins


def main() -> None:
    """Write the files."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    files = {name: closure(requirements) for name, requirements in wanted(pyproject).items()}
    for name, pins in files.items():
        base = {} if name == "core" else files["core"]
        lines = [f"# Written by scripts/pins.py ('make pins') from pyproject.toml: {name}.\n"]
        lines += ["-r core.txt\n"] if base else []
        lines += [f"{package}=={version}\n" for package, version in sorted(pins.items()) if package not in base]
        (ROOT / "requirements" / f"{name}.txt").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
