"""Stores: what goes in comes out, and what goes wrong is one kind of error that says whether to try again."""

from __future__ import annotations

import sys
import uuid
from typing import TYPE_CHECKING

import pytest
from fsspec import AbstractFileSystem, register_implementation
from pydantic import Secret

from penstock.errors import StoreError
from penstock.models.store import Store, shown_uri
from penstock.sections import ModelsSettings

if TYPE_CHECKING:
    from pathlib import Path

BYTES = b"<PMML/>" * 300_000  # more than one chunk


@pytest.fixture
def store() -> Store:
    """A store without options."""
    return Store()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A model's file."""
    path = tmp_path / "model.pmml"
    path.write_bytes(BYTES)
    return path


@pytest.fixture(params=["path", "file", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URI of a folder that is not there yet, one of each kind that needs no server."""
    uris = {"path": f"{tmp_path}/store", "file": f"file://{tmp_path}/store", "memory": f"memory://{uuid.uuid4()}"}
    return uris[request.param]


def test_what_is_put_is_fetched(store: Store, file: Path, folder: str, tmp_path: Path) -> None:
    """Through any kind of store, the bytes stay as they are; folders are made."""
    uri = f"{folder}/iris/1/model.pmml"

    store.put(file, uri)
    store.fetch(uri, tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == BYTES


def test_put_replaces(store: Store, file: Path, folder: str, tmp_path: Path) -> None:
    """A file that is there already is another one afterwards."""
    uri = f"{folder}/model.pmml"
    store.put(file, uri)
    file.write_bytes(b"new")

    store.put(file, uri)

    store.fetch(uri, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"new"


def test_put_leaves_nothing_beside_the_file(store: Store, file: Path, tmp_path: Path) -> None:
    """The temporary file becomes the file, or goes."""
    (tmp_path / "store" / "taken").mkdir(parents=True)
    store.put(file, f"{tmp_path}/store/model.pmml")

    with pytest.raises(StoreError, match="cannot be written"):
        store.put(file, f"{tmp_path}/store/taken")

    assert {path.name for path in (tmp_path / "store").iterdir()} == {"model.pmml", "taken"}


def test_existence_is_told(store: Store, file: Path, folder: str) -> None:
    """Before and after."""
    uri = f"{folder}/model.pmml"
    before = store.exists(uri)

    store.put(file, uri)

    assert (before, store.exists(uri), store.exists(folder)) == (False, True, False)


def test_file_uris_are_unquoted(store: Store, tmp_path: Path) -> None:
    """A blank in a path is %20 in its URI."""
    (tmp_path / "my model").write_bytes(b"model")

    store.fetch(f"file://localhost{tmp_path}/my%20model", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == b"model"


def test_missing_file_may_come(store: Store, folder: str, tmp_path: Path) -> None:
    """Somebody may put it there: the host tries again."""
    with pytest.raises(StoreError, match=r"model file '.*/none': there is no such file.*put it there") as caught:
        store.fetch(f"{folder}/none", tmp_path / "copy")

    assert caught.value.passing


@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_larger_file_than_expected_is_not_fetched(store: Store, file: Path, scheme: str, tmp_path: Path) -> None:
    """A file that never ends fills no disk; to try again would not help."""
    uri = f"{scheme}{tmp_path}/store/model.pmml"
    store.put(file, uri)

    with pytest.raises(StoreError, match=r"expected at most 6 bytes, got \d+") as caught:
        store.fetch(uri, tmp_path / "copy", 6)

    assert not caught.value.passing


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("nosuch://bucket/model", "no store speaks nosuch://; take file, s3, gs"),
        ("file://elsewhere/model", "names no machine, got 'elsewhere'"),
        ("simplecache::file:///model", "expected a path or scheme"),
        ("file://[model", "what is no URI"),
        ("http://[model", "what is no URI"),
        ("s3://[bucket/model?key=1", "what is no URI"),
        ("/dev/null", "expected a file, got something else"),
        ("/", "expected a file, got something else"),
    ],
)
def test_uris_that_can_never_be_opened(store: Store, uri: str, told: str, tmp_path: Path) -> None:
    """They are told at once, and never tried again."""
    with pytest.raises(StoreError, match=told) as caught:
        store.fetch(uri, tmp_path / "copy")

    assert not caught.value.passing


def test_http_is_for_reading(store: Store, file: Path) -> None:
    """What http servers make of a file that comes is each one's own."""
    with pytest.raises(StoreError, match=r"can be read, not written; set models\.store"):
        store.put(file, "http://localhost/model")


def test_wrong_options_are_told(tmp_path: Path) -> None:
    """With the setting that has them."""
    store = Store({"webhdfs": {"nonsense": 1}})

    with pytest.raises(StoreError, match=r"webhdfs:// cannot be opened: .*check .*models\.options\.webhdfs") as caught:
        store.fetch("webhdfs:///model", tmp_path / "copy")

    assert not caught.value.passing


def test_missing_package_is_told(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation without an extra says which one the URI needs, and where."""
    monkeypatch.setitem(sys.modules, "gcsfs", None)

    with pytest.raises(
        StoreError, match=r"needs the package 'gcsfs': install penstock\[gs\] here, and where"
    ) as caught:
        store.fetch("gs://bucket/model", tmp_path / "copy")

    assert not caught.value.passing


class Failing(AbstractFileSystem):
    """A file system of which every file fails."""

    def __init__(self, error: Exception, **options: object) -> None:
        super().__init__(**options)
        self.error = error

    def get_file(self, *arguments: object, **options: object) -> None:
        """Fail."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            PermissionError("Forbidden"),
            r"access is refused \(PermissionError: Forbidden\); check models\.options\.failing",
        ),
        (TimeoutError(), r"did not give all of it within 7 s; is it up\?"),
        (ConnectionError("failing://host/model?sig=1 is away"), r"'failing://host/model\?\*\*\*': cannot be read: "),
        (ValueError("no sig=1 taken"), r"ValueError: no \*\*\* taken; is the store up"),
    ],
)
def test_failures_of_clients_are_told_as_passing(error: Exception, told: str, tmp_path: Path) -> None:
    """Whatever a client raises, the store may answer otherwise later; secrets that it quotes are not shown."""
    register_implementation("failing", Failing, clobber=True)
    store = Store({"failing": {"error": error}}, patience_s=7)

    with pytest.raises(StoreError, match=told) as caught:
        store.fetch("failing://host/model?sig=1", tmp_path / "copy")

    assert caught.value.passing
    assert "sig=1" not in str(caught.value)


def test_slow_transfer_is_given_up(file: Path, tmp_path: Path) -> None:
    """A store that drips does not hold a loader's thread for ever."""
    with pytest.raises(StoreError, match="did not give all of it within 0 s") as caught:
        Store(patience_s=0).fetch(str(file), tmp_path / "copy")

    assert caught.value.passing


def test_options_come_from_the_settings(tmp_path: Path) -> None:
    """Secrets are opened only where the store's client is made."""
    settings = ModelsSettings(options={"webhdfs": Secret({"nonsense": 1})})

    with pytest.raises(StoreError, match="webhdfs:// cannot be opened"):
        Store.of(settings).fetch("webhdfs:///model", tmp_path / "copy")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("models/iris.pmml", "models/iris.pmml"),
        ("s3://bucket/iris.pmml", "s3://bucket/iris.pmml"),
        ("https://ann:secret@host/iris.pmml?signature=secret", "https://ann:***@host/iris.pmml?***"),
        ("https://token@host/iris.pmml", "https://***@host/iris.pmml"),
        ("abfs://container@account/iris.pmml", "abfs://container@account/iris.pmml"),
        ("http://[secret", "a URI that cannot be read"),
    ],
)
def test_secrets_in_uris_are_not_shown(uri: str, shown: str) -> None:
    """Passwords and signatures stay out of logs, statuses and dead letters."""
    assert shown_uri(uri) == shown
