"""The servers, the callers, and the models of the contract's tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.contract import asking
from tests.contract.callers import Caller, Official, Own
from tests.contract.servers import Embedded, made_models
from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A real TensorFlow Serving, and a folder that it and this machine have at the same path.
REAL = "TF_SERVING_ADDRESS"
REAL_FOLDER = "TF_SERVING_MODELS"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the models, where all servers see it."""
    shared = os.environ.get(REAL_FOLDER)
    assert shared or REAL not in os.environ, f"{REAL} is set: {REAL_FOLDER} has to be a folder that it sees as well"
    return made_models(Path(shared) if shared else tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session", params=["embedded", *(["tensorflow-serving"] if REAL in os.environ else [])])
def address(request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that serves the models by a configuration that it was given while it ran."""
    if request.param == "embedded":
        with running(Embedded(models, tmp_path_factory.mktemp("log") / "server.log")) as server:
            _configure(server.address, models)
            yield server.address
        return
    _configure(os.environ[REAL], models)
    yield os.environ[REAL]


@pytest.fixture(scope="session")
def own(address: str) -> Iterator[Own]:
    """Our own messages over a channel."""
    with Own(address) as caller:
        yield caller


@pytest.fixture(scope="session", params=["own", "official"])
def caller(request: pytest.FixtureRequest, address: str) -> Iterator[Caller]:
    """Both kinds of callers."""
    with {"own": Own, "official": Official}[request.param](address) as made:
        yield made


def _configure(address: str, models: Path) -> None:
    """Serve all models, two of the three versions of one, which have labels."""
    request = asking.config(
        models, "types", "digits", "examples", "factor", versions=(1, 3), labels={"stable": 1, "canary": 3}
    )
    with Own(address) as caller:
        caller.call("HandleReloadConfigRequest", request)
