"""What only the embedded server is asked: load, faults and folders that change, which take a real one minutes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from penstock.local.waiting import wait_until
from penstock.remote.tensors import objects
from tests.contract import asking
from tests.contract.callers import Own, RefusedError
from tests.contract.servers import Embedded
from tests.contract.test_prediction import golden, pngs
from tests.patience import SOON_S
from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AVAILABLE, END = 30, 50
_POLL_S = 0.05


@pytest.fixture(scope="module")
def folder(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that tests may change."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(models / "digits", folder / "digits")
    shutil.copytree(models / "factor" / "1", folder / "factor" / "1")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A server that looks at its folder often and has room for few rows."""
    log = tmp_path_factory.mktemp("log") / "server.log"
    with running(Embedded(folder, log, poll_ms=100, queue_rows=8)) as server:
        yield server


@pytest.fixture(scope="module")
def own(server: Embedded) -> Iterator[Own]:
    """A caller of that server."""
    with Own(server.address) as caller:
        yield caller


def states(caller: Own, model: str) -> dict[int, tuple[int, int]]:
    """How versions of a model are: state and code of the error."""
    try:
        response = caller.call("GetModelStatus", asking.status(model))
    except RefusedError:
        return {}
    return {each.version: (each.state, each.status.error_code) for each in response.model_version_status}


def take_away(place: Path) -> None:
    """Delete a version's folder all at once: one that has lost some of its files is a version that cannot be loaded."""
    shutil.rmtree(place.rename(place.parents[1] / ".gone"))


def overload(own: Own, meanwhile: Callable[[], object] = lambda: None) -> list[Any]:
    """Make slow calls, forty at a time, and do something beside; until some are refused, and all have ended.

    Those of a caller that stands still may come one by one.
    """
    slow = asking.predict("factor", {"x": np.ones(1, "float32")}, signature="slow")
    calls: list[Any] = []

    def refused() -> bool:
        some = [own.later("Predict", slow) for _ in range(40)]
        calls.extend(some)
        meanwhile()
        return "RESOURCE_EXHAUSTED" in [call.code().name for call in some]

    assert wait_until(refused, SOON_S, _POLL_S)
    return calls


def product(caller: Own, **which: int) -> float:
    """What the model makes of 1: its version."""
    response = caller.call("Predict", asking.predict("factor", {"x": np.ones(1, "float32")}, **which))
    return float(asking.arrays(response)["y"][0])


def test_first_line_says_what_it_is_not(server: Embedded, own: Own) -> None:
    """Nobody takes it for TensorFlow Serving."""
    assert "not TensorFlow Serving" in server.log.read_text(encoding="utf-8").splitlines()[0]


def test_versions_come_and_go_with_their_folders(own: Own, models: Path, folder: Path) -> None:
    """A new folder is served without a restart, and the highest version is the one that is meant; then it is gone."""
    coming = folder / "coming"
    shutil.copytree(models / "factor" / "3", coming)
    coming.rename(folder / "factor" / "3")
    assert wait_until(lambda: states(own, "factor").get(3) == (AVAILABLE, 0), SOON_S, _POLL_S)
    assert (product(own), product(own, version=1)) == (3.0, 1.0)

    take_away(folder / "factor" / "3")
    assert wait_until(lambda: states(own, "factor").get(3) == (END, 0), SOON_S, _POLL_S)
    assert product(own) == 1.0
    with pytest.raises(RefusedError, match="NOT_FOUND"):
        product(own, version=3)


def test_other_model_in_the_same_place_is_loaded(own: Own, models: Path, folder: Path) -> None:
    """A version whose folder was made anew is another model."""
    place = folder / "factor" / "7"
    for factor in ("2", "3"):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(models / "factor" / factor, folder / "coming")
        os.utime(folder / "coming" / "saved_model.pb")
        (folder / "coming").rename(place)
        assert wait_until(lambda factor=factor: _seventh(own) == float(factor), SOON_S, _POLL_S)  # type: ignore[misc]
    take_away(place)
    assert wait_until(lambda: states(own, "factor").get(7) == (END, 0), SOON_S, _POLL_S)


def _seventh(own: Own) -> float | None:
    """What version 7 makes of 1, if it is there: between two questions it may go."""
    try:
        return product(own, version=7) if states(own, "factor").get(7) == (AVAILABLE, 0) else None
    except RefusedError:
        return None


def test_folder_without_a_model_has_a_status_that_says_why(own: Own, folder: Path) -> None:
    """Others are served on."""
    (folder / "broken" / "1").mkdir(parents=True)
    (folder / "broken" / "2").mkdir()
    (folder / "broken" / "2" / "saved_model.pb").write_bytes(b"\xff\xff no message")
    (folder / "broken" / "no number").mkdir()
    assert wait_until(lambda: states(own, "broken") == {1: (END, 5), 2: (END, 13)}, SOON_S, _POLL_S)
    with pytest.raises(RefusedError, match="NOT_FOUND"):
        own.call("Predict", asking.predict("broken", {}))
    assert product(own) == 1.0
    shutil.rmtree(folder / "broken")


def test_one_callers_bad_row_is_no_reason_to_refuse_others(own: Own) -> None:
    """Calls that were computed together and failed are told apart: only the bad one is refused."""
    rows = golden()[:6]
    good = [asking.predict("digits", {"image_bytes": pngs([row])}, signature="png") for row in rows]
    bad = asking.predict("digits", {"image_bytes": objects([b"no png"])}, signature="png")
    blocker = own.later("Predict", asking.predict("factor", {"x": np.ones(1, "float32")}, signature="slow"))
    calls = [own.later("Predict", request) for request in (*good[:3], bad, *good[3:])]

    assert [call.code().name for call in calls] == ["OK"] * 3 + ["INVALID_ARGUMENT"] + ["OK"] * 3
    labels = [asking.arrays(call.result())["label"].tolist() for call in calls[:3] + calls[4:]]
    assert labels == [[row["outputs"]["label"]] for row in rows]
    assert blocker.code().name == "OK"


def test_full_queue_refuses_at_once_and_empties(own: Own) -> None:
    """Of forty rows at a time some are done and the others refused; afterwards all is as before."""
    calls = overload(own)
    codes = Counter(call.code().name for call in calls)

    assert set(codes) == {"OK", "RESOURCE_EXHAUSTED"}
    assert codes["OK"] >= 8
    refused = next(call for call in calls if call.code().name == "RESOURCE_EXHAUSTED")
    assert "at most 8 may" in refused.details()
    assert product(own) == 1.0


def test_full_queue_of_one_model_leaves_others_alone(own: Own) -> None:
    """Each model has a queue of its own."""
    row, labels = golden()[0], []

    def ask_another() -> None:
        response = own.call("Predict", asking.predict("digits", {"image_bytes": pngs([row])}, signature="png"))
        labels.extend(asking.arrays(response)["label"].tolist())

    calls = overload(own, ask_another)

    assert set(labels) == {row["outputs"]["label"]}
    assert {call.code().name for call in calls} == {"OK", "RESOURCE_EXHAUSTED"}


def test_callers_that_have_gone_make_room(own: Own) -> None:
    """Rows whose caller hung up are not computed, and do not count."""
    slow = asking.predict("factor", {"x": np.ones(1, "float32")}, signature="slow")
    blocker = own.later("Predict", slow)
    states(own, "factor")  # which is answered after the call before it was taken: the others are behind that
    gone = [own.later("Predict", slow) for _ in range(8)]
    for call in gone:
        call.cancel()

    assert blocker.code().name == "OK"
    assert wait_until(lambda: own.later("Predict", slow).code().name == "OK", SOON_S, _POLL_S)


def test_address_that_is_taken_is_told(server: Embedded, folder: Path) -> None:
    """Two servers at one address would each get some of the calls."""
    port = server.address.rpartition(":")[2]
    command = [sys.executable, "-m", "penstock.local.model_server", "--dir", str(folder), "--port", port]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=SOON_S, check=False)

    assert answer.returncode == 1
    assert f"{server.address} cannot be listened at" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_labels_are_for_versions_that_are_available(models: Path, tmp_path: Path) -> None:
    """A label for another one is refused."""
    with running(Embedded(models, tmp_path / "server.log")) as server, Own(server.address) as caller:
        request = asking.config(models, "factor", versions=(1,), labels={"stable": 2})
        with pytest.raises(RefusedError, match=r"FAILED_PRECONDITION: .* version 2 of model factor"):
            caller.call("HandleReloadConfigRequest", request)
        with pytest.raises(RefusedError, match="NOT_FOUND"):
            caller.call("Predict", asking.predict("types", {}))
