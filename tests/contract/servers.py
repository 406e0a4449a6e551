"""The servers that keep the contract: the embedded one, in a process of its own, and a real one where there is one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import grpc

from penstock.testing.ports import free_port
from tests.patience import SOON_S
from tests.servers import Server

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Embedded", "made_models"]


def made_models(folder: Path) -> Path:
    """Write the models into a folder, unless they are there."""
    if not (folder / "digits").is_dir():
        command = [sys.executable, "-W", "ignore", "-m", "tests.contract.served_models", str(folder)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}
        answer = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=2 * SOON_S, check=False
        )
        assert answer.returncode == 0, answer.stderr
    return folder


class Embedded:
    """Our server, serving a folder."""

    def __init__(self, folder: Path, log: Path, **limits: int) -> None:
        """Prepare; limits are settings of `model_server`."""
        self.address = f"127.0.0.1:{free_port()}"
        self.log = log
        self._server = Server("model server")
        port = self.address.rpartition(":")[2]
        program = [sys.executable, "-m", "penstock.local.model_server", "--dir", str(folder), "--port", port]
        settings = [f"PENSTOCK_MODEL_SERVER__{name.upper()}={value}" for name, value in limits.items()]
        self._command = ["env", *settings, *program]

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._server.run(self._command, self.log, self._answers)

    def kill(self) -> None:
        """End it."""
        self._server.kill()

    def _answers(self) -> bool:
        with grpc.insecure_channel(self.address) as channel:
            check: Any = channel.unary_unary("/grpc.health.v1.Health/Check")
            try:
                return bool(check(b"", timeout=5) == b"\x08\x01")
            except grpc.RpcError:
                return False
