"""A copy of the project with ports and state of its own, to be used as a person would use a fresh clone."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from penstock.local import machine
from penstock.settings import Settings
from penstock.testing.ports import free_ports
from tests.e2e.stack import PATIENT

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Checkout", "Outcome"]

ROOT = Path(__file__).parents[2]
#: Neither downloads nor what tests and tools leave behind.
_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".penstock", "__pycache__", ".*_cache", ".hypothesis", ".coverage*", "dist"
)
#: What takes minutes to fetch, and does not change with what the copy does.
_SHARED = (".venv", ".penstock/jars")
#: The page shows what becomes of events once their models are loaded.
_UNHURRIED = {"PENSTOCK_MODELS__WAIT_MS": "60000"}
_PORTS = (
    "flink.rest_port",
    "local.flink_rpc_port",
    "local.kafka_port",
    "local.kafka_controller_port",
    "local.model_server_port",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a piece of shell ended."""

    status: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Checkout:
    """The copy, and the environment that one person's shell has from one command to the next."""

    folder: Path
    ports: dict[str, int]
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def copy(cls, folder: Path) -> Checkout:
        """Copy the project, and set ports that nobody listens on in its settings."""
        shutil.copytree(ROOT, folder, ignore=_LEFT_OUT)
        for name in _SHARED:
            if (ROOT / name).exists():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).symlink_to(ROOT / name)
        ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))

        def own_ports(settings: dict[str, Any]) -> None:
            for key, port in ports.items():
                section, _, name = key.partition(".")
                settings.setdefault(section, {})[name] = port

        own = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        checkout = cls(folder, ports, {**own, **PATIENT, **_UNHURRIED})
        checkout.edit("config/penstock.yaml", own_ports)
        return checkout

    def edit(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change a YAML file."""
        path = self.folder / name
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
        change(tree)
        path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")

    def run(self, script: str, timeout_s: float) -> Outcome:
        """Run a piece of shell in the folder; what it exports is there for the next one."""
        exported = self.folder / ".exported"
        answer = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{script}\nenv -0 > {exported}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if answer.returncode == 0:
            entries = exported.read_text(encoding="utf-8").rstrip("\0").split("\0")
            self.environment.update(entry.split("=", 1) for entry in entries)
        return Outcome(answer.returncode, answer.stdout, answer.stderr)

    def with_own_ports(self, text: str) -> str:
        """Put this checkout's ports into a text in the place of the usual ones."""
        for key, port in machine.ports(Settings(), model_server=True).items():
            text = text.replace(f":{port}", f":{self.ports[key]}")
        return text
