"""The model server serves what the registry has, while it comes and goes."""

from __future__ import annotations

import base64
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.service_job.client import ModelSpec, ModelState
from jobs.service_job.connecting import ServerConfig, connected
from penstock import settings
from penstock.control import models
from penstock.local.waiting import wait_until
from penstock.models.descriptor import ModelDescriptor
from penstock.remote.calls import CallError
from penstock.remote.retrying import RetryConfig
from penstock.remote.tensors import objects
from penstock.testing.ports import free_port
from tests.patience import SOON_S
from tests.registered import installed
from tests.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Installation

    from jobs.service_job.client import ModelClient
    from penstock.settings import Settings

MODEL = Path(__file__).parents[2] / "models" / "image-classifier" / "1"
_POLL_S = 0.1


class ModelServer:
    """The program, with settings of its own."""

    def __init__(self, found: Settings, folder: Path) -> None:
        """Write the settings; nothing runs yet."""
        self.file = folder / "server.yaml"
        settings.write(found, self.file)
        self.log = folder / "server.log"
        self.address = f"{found.local.host}:{found.local.model_server_port}"
        self._server = Server("model server")

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [sys.executable, "-P", "-m", "penstock.local.model_server", "--settings", str(self.file)]
        self._server.run(["env", f"PYTHONPATH={Path(__file__).parents[2]}", *command], self.log, self._listens)

    def kill(self) -> None:
        """End it without a warning."""
        self._server.kill()

    def _listens(self) -> bool:
        client = connected(ServerConfig(endpoints=(self.address,)))
        try:
            return client.status(ModelSpec(name="nobody"), 5.0).state is ModelState.ABSENT
        except CallError:
            return False
        finally:
            client.close()


@pytest.fixture
def found(make_installation: Callable[..., Installation], tmp_path: Path) -> Settings:
    """An installation with a state folder of its own, whose server looks often."""
    return installed(
        make_installation,
        **{
            "local.state_dir": str(tmp_path / "state"),
            "local.model_server_port": free_port(),
            "model_server.poll_ms": 100,
        },
    )


@pytest.fixture
def server(found: Settings, tmp_path: Path) -> Iterator[ModelServer]:
    """The server; the test starts it."""
    server = ModelServer(found, tmp_path)
    yield server
    server.kill()


@pytest.fixture
def client(server: ModelServer) -> Iterator[ModelClient]:
    """A client of it."""
    client = connected(ServerConfig(endpoints=(server.address,), retry=RetryConfig(timeout_s=30)))
    yield client
    client.close()


def test_registry_is_served(found: Settings, server: ModelServer, client: ModelClient) -> None:
    """What was there answers from the first moment, what comes is served, what was deleted goes; and after a kill."""
    descriptor = ModelDescriptor.load(MODEL / "descriptor.yaml")
    models.register(found, descriptor)
    server.start()

    def state(version: int) -> ModelState:
        return client.status(ModelSpec(name="image-classifier", version=version)).state

    assert client.wait(ModelSpec(name="image-classifier", version=1), time.monotonic() + SOON_S)
    row = json.loads((MODEL / "golden.jsonl").read_text(encoding="utf-8").splitlines()[0])
    files = objects([base64.b64decode(row["input"]["image_bytes"]["b64"])])
    prediction = client.predict(ModelSpec(name="image-classifier", signature="png"), {"image_bytes": files})
    assert prediction.outputs["label"].tolist() == [row["outputs"]["label"]]

    models.register(found, descriptor.model_copy(update={"version": 2}))
    assert wait_until(lambda: state(2) is ModelState.AVAILABLE, SOON_S, _POLL_S), server.log.read_text("utf-8")
    models.remove(found, descriptor.ref)
    assert wait_until(lambda: state(1) is ModelState.END, SOON_S, _POLL_S), server.log.read_text("utf-8")

    server.kill()
    server.start()
    assert client.wait(ModelSpec(name="image-classifier", version=2), time.monotonic() + SOON_S)
    assert (state(1), state(2)) == (ModelState.ABSENT, ModelState.AVAILABLE)
