"""The folder is what the registry says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock.errors import ModelChecksumError, ModelLoadError, StoreError
from penstock.local.model_server.mirror import Folder, wanted
from penstock.models.descriptor import ModelDescriptor

if TYPE_CHECKING:
    from pathlib import Path


def model(name: str = "m", version: int = 1, content: str = "a", **server: Any) -> ModelDescriptor:
    """A SavedModel of the registry."""
    tree: dict[str, Any] = {
        "name": name,
        "version": version,
        "job": "service",
        "format": "saved-model",
        "uri": "/m.zip",
        "sha256": content * 64,
    }
    return ModelDescriptor.parse(tree | ({"server": server} if server else {}), "test")


class Files:
    """Unpacks, unless it is told to fail, and keeps count."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.away: set[str] = set()
        self.bad: dict[str, Exception] = {}
        self.tries = 0
        self.now_s = 0.0

    def __call__(self, descriptor: ModelDescriptor, to: Path) -> None:
        """Make the folder."""
        self.tries += 1
        if str(descriptor.ref) in self.bad:
            raise self.bad[str(descriptor.ref)]
        if str(descriptor.ref) in self.away:
            raise StoreError("/m.zip", "it is away", True)
        self.fetched.append(str(descriptor.ref))
        to.mkdir()
        (to / "saved_model.pb").write_text(str(descriptor.sha256), encoding="utf-8")


@pytest.fixture
def files() -> Files:
    """The store."""
    return Files()


@pytest.fixture
def folder(tmp_path: Path, files: Files) -> Folder:
    """What servers look at."""
    return Folder(tmp_path / "served", files, lambda: files.now_s)


def there(tmp_path: Path) -> dict[str, str]:
    """What a server finds: the first digit of each version's file."""
    found = (tmp_path / "served").glob("[!.]*/*/saved_model.pb")
    return {f"{each.parts[-3]}/{each.parts[-2]}": each.read_text("utf-8")[0] for each in found}


def test_versions_come_and_go(tmp_path: Path, folder: Folder, files: Files) -> None:
    """By name and version; nothing stays of what is gone, and nothing is done where nothing changed."""
    both = wanted([model(), model("n", 7, "b")])
    assert folder.become(both)
    assert there(tmp_path) == {"m/1": "a", "n/7": "b"}
    assert not folder.become(both)

    assert folder.become(wanted([model()]))
    assert there(tmp_path) == {"m/1": "a"}
    assert sorted(each.name for each in (tmp_path / "served").iterdir()) == [".unpacked", "m"]
    assert [each.name for each in (tmp_path / "served" / ".unpacked").iterdir()] == ["a" * 64]
    assert files.fetched == ["m:1", "n:7"]


def test_other_bytes_of_the_same_version_take_its_place(tmp_path: Path, folder: Folder) -> None:
    """A version was deleted and given anew between two looks."""
    folder.become(wanted([model()]))

    assert folder.become(wanted([model(content="c")]))
    assert there(tmp_path) == {"m/1": "c"}


def test_refs_of_one_file_are_unpacked_once(tmp_path: Path, folder: Folder, files: Files) -> None:
    """As with one model whose signatures are served under names of their own."""
    folder.become(wanted([model(), model("n")]))

    assert there(tmp_path) == {"m/1": "a", "n/1": "a"}
    assert files.fetched == ["m:1"]


def test_file_that_cannot_be_had_is_tried_again(tmp_path: Path, folder: Folder, files: Files) -> None:
    """Others come meanwhile."""
    both = wanted([model(), model("n", 7, "b")])
    files.away = {"m:1"}
    folder.become(both)
    assert there(tmp_path) == {"n/7": "b"}

    files.away = set()
    files.now_s = 1
    assert folder.become(both)
    assert there(tmp_path) == {"m/1": "a", "n/7": "b"}


def test_file_that_is_away_for_long_is_tried_less_and_less_often(folder: Folder, files: Files) -> None:
    """Looks are frequent, and files large; a minute is the longest that one waits."""
    files.away = {"m:1"}
    tried = []
    for second in range(200):
        files.now_s, before = second, files.tries
        folder.become(wanted([model()]))
        tried += [second] * (files.tries - before)

    assert tried == [0, 1, 3, 7, 15, 31, 63, 123, 183]


@pytest.mark.parametrize(
    "error", [ModelChecksumError("/m.zip", "a", "b"), ModelLoadError("/m.zip", "expected a folder in a ZIP file")]
)
def test_file_that_is_wrong_is_fetched_once(tmp_path: Path, folder: Folder, files: Files, error: Exception) -> None:
    """However often one looks: until its descriptor is another, or is given anew."""
    files.bad = {"m:1": error}
    for files.now_s in (0, 1, 1e6):
        folder.become(wanted([model()]))
    assert files.tries == 1

    folder.become(wanted([model(content="c")]))
    assert files.tries == 2

    folder.become({})
    files.bad = {}
    assert folder.become(wanted([model(content="c")]))
    assert there(tmp_path) == {"m/1": "c"}


def test_link_that_leads_nowhere_is_made_anew(tmp_path: Path, folder: Folder) -> None:
    """Somebody has cleaned up too much."""
    folder.become(wanted([model()]))
    unpacked = tmp_path / "served" / ".unpacked" / ("a" * 64)
    (unpacked / "saved_model.pb").unlink()
    unpacked.rmdir()

    assert folder.become(wanted([model()]))
    assert there(tmp_path) == {"m/1": "a"}


def test_server_may_call_a_model_otherwise() -> None:
    """Name and version are those at the server."""
    assert set(wanted([model(model="other", version=3), model("n")])) == {("other", 3), ("n", 1)}


def test_only_saved_models_of_the_service_job_are_wanted() -> None:
    """Others have their own places."""
    pmml = ModelDescriptor.parse(
        {"name": "p", "version": 1, "job": "pmml", "format": "pmml", "uri": "/p", "sha256": "0" * 64}, "test"
    )

    assert wanted([pmml]) == {}


def test_first_of_two_for_one_place_counts() -> None:
    """The other one is told in the log."""
    first, second = model(), model("n", content="b", model="m", version=1)

    assert wanted([first, second]) == {("m", 1): first}


@pytest.mark.parametrize("name", ["../up", "a/b", ".", ""])
def test_names_that_are_no_folders_are_left_out(name: str) -> None:
    """A name at the server may be anything; a folder's may not."""
    descriptor = model(model=name or " ", version=1)

    assert wanted([descriptor]) == {}
