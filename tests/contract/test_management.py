"""How versions are, and which models are served: the same from every server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from penstock.remote.messages import message
from tests.contract import asking
from tests.contract.callers import RefusedError
from tests.contract.conftest import REAL, REAL_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.callers import Caller

AVAILABLE, END = 30, 50


def test_real_server_was_asked_as_well() -> None:
    """What the embedded server promises is worth as much as the comparison."""
    if REAL not in os.environ:
        pytest.skip(f"no real server: set {REAL} to its host:port and {REAL_FOLDER} to a folder that both see")


def test_versions_are_available(caller: Caller) -> None:
    """Those of the configuration; others that were served before it have ended."""
    response = caller.call("GetModelStatus", asking.status("factor"))

    found = {each.version: (each.state, each.status.error_code) for each in response.model_version_status}
    assert {version: state for version, state in found.items() if state[0] != END} == {
        1: (AVAILABLE, 0),
        3: (AVAILABLE, 0),
    }


def test_one_version_can_be_asked_for(caller: Caller) -> None:
    """Its state alone comes."""
    response = caller.call("GetModelStatus", asking.status("factor", version=3))

    assert [(each.version, each.state) for each in response.model_version_status] == [(3, AVAILABLE)]


@pytest.mark.parametrize(("model", "version"), [("nobody", None), ("factor", 99)])
def test_what_was_never_served_has_no_status(caller: Caller, model: str, version: int | None) -> None:
    """Unknown models and versions."""
    with pytest.raises(RefusedError, match="NOT_FOUND"):
        caller.call("GetModelStatus", asking.status(model, version=version))


def test_configuration_without_a_list_is_refused(caller: Caller) -> None:
    """Only lists of models are taken."""
    with pytest.raises(RefusedError, match="INVALID_ARGUMENT"):
        caller.call("HandleReloadConfigRequest", message("tensorflow.serving.ReloadConfigRequest")())


@pytest.mark.parametrize("fault", ["no platform", "no path", "twice"])
def test_wrong_configuration_changes_nothing(caller: Caller, models: Path, fault: str) -> None:
    """It is refused whole, and what was served is served on."""
    request = asking.config(models, "types", "digits", "examples", "factor")
    listed = request.config.model_config_list.config
    if fault == "no platform":
        listed[0].model_platform = ""
    elif fault == "no path":
        listed[0].base_path = "types"
    else:
        listed.add().CopyFrom(listed[0])
    with pytest.raises(RefusedError, match="INVALID_ARGUMENT"):
        caller.call("HandleReloadConfigRequest", request)
    response = caller.call("GetModelStatus", asking.status("factor", version=3))
    assert response.model_version_status[0].state == AVAILABLE


def test_same_configuration_again_is_taken(caller: Caller, models: Path) -> None:
    """Whoever repeats it is answered, and nothing is loaded anew."""
    request = asking.config(
        models, "types", "digits", "examples", "factor", versions=(1, 3), labels={"stable": 1, "canary": 3}
    )

    assert caller.call("HandleReloadConfigRequest", request).status.error_code == 0
