"""Stores that are servers: S3 as a real server speaks it, http with its faults, Hadoop by WebHDFS; and the cache."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from penstock.errors import StoreError
from penstock.models.cache import Cache
from penstock.models.descriptor import ModelDescriptor
from penstock.models.store import Store
from penstock.testing.ports import free_port
from tests import servers
from tests.integration.file_servers import CONTENT, Faulty, WebHdfs, serving
from tests.integration.object_store import BUCKET, ObjectStore
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URI = f"s3://{BUCKET}/iris/1/model.pmml"
#: A client that finds out soon that nobody answers.
HASTY = {"config_kwargs": {"retries": {"max_attempts": 1}}}


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """An object store for the tests of this module."""
    with servers.running(ObjectStore(tmp_path_factory.mktemp("s3"))) as server:
        yield server


@pytest.fixture(scope="module")
def http() -> Iterator[str]:
    """An http server with all its faults; its address."""
    with serving(Faulty) as address:
        yield f"http://{address}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A model's file."""
    path = tmp_path / "model.pmml"
    path.write_bytes(CONTENT)
    return path


def descriptor(uri: str, **changes: Any) -> ModelDescriptor:
    """Return the descriptor of the file at the URI."""
    digest = hashlib.sha256(CONTENT).hexdigest()
    tree = {"name": "iris", "version": 1, "job": "pmml", "format": "pmml", "uri": uri, "sha256": digest}
    return ModelDescriptor.parse({**tree, "bytes": len(CONTENT), **changes}, "test")


def refused(store: Store, uri: str, to: Path) -> StoreError:
    """Return why a file is not fetched."""
    with pytest.raises(StoreError, match="model file") as caught:
        store.fetch(uri, to)
    return caught.value


def test_s3_gives_what_it_was_given(s3: ObjectStore, file: Path, tmp_path: Path) -> None:
    """With the settings that a server needs, and none beside: checksums of newer clients are left out."""
    store = Store(s3.options())
    before = store.exists(URI)

    store.put(file, URI)

    assert (before, store.exists(URI)) == (False, True)
    with Cache(tmp_path / "cache", 10).held(descriptor(URI), store) as path:
        assert path.read_bytes() == CONTENT
    assert (s3.bucket / "iris" / "1" / "model.pmml").stat().st_size == len(CONTENT)


def test_s3_servers_that_know_the_newer_checksums_may_have_them(s3: ObjectStore, file: Path) -> None:
    """Whoever sets it has it; this server does not know them, and the advice says where to look."""
    store = Store(s3.options(config_kwargs={"request_checksum_calculation": "when_supported"}))

    with pytest.raises(StoreError, match=r"cannot be written: .*is models\.options\.s3 right\?") as caught:
        store.put(file, URI)

    assert caught.value.passing


@pytest.mark.parametrize("changes", [{"key": "nobody"}, {"secret": "wrong"}])
def test_s3_with_a_wrong_key_is_refused(s3: ObjectStore, tmp_path: Path, changes: dict[str, str]) -> None:
    """The message names the options, and never what stands there."""
    error = refused(Store(s3.options(**changes)), URI, tmp_path / "copy")

    assert "access is refused" in str(error)
    assert "check models.options.s3" in str(error)
    assert "wrong" not in str(error)
    assert error.passing


@pytest.mark.parametrize("uri", [f"s3://{BUCKET}/none", "s3://nobucket/none"])
def test_s3_object_that_is_gone_is_told(s3: ObjectStore, tmp_path: Path, uri: str) -> None:
    """Of a bucket, too."""
    error = refused(Store(s3.options()), uri, tmp_path / "copy")

    assert "there is no such file, or not the folder or bucket" in str(error)
    assert error.passing


def test_s3_server_that_is_away_is_told_and_comes_back(file: Path, tmp_path: Path) -> None:
    """The same client goes on when it is there again."""
    with servers.running(ObjectStore(tmp_path)) as server:
        store = Store(server.options(**HASTY))
        store.put(file, URI)
        server.kill()

        error = refused(store, URI, tmp_path / "copy")
        server.start()
        store.fetch(URI, tmp_path / "copy")

    assert "is the store up" in str(error)
    assert error.passing
    assert (tmp_path / "copy").read_bytes() == CONTENT


def test_http_file_is_fetched(http: str, tmp_path: Path) -> None:
    """And looked for."""
    store = Store()

    with Cache(tmp_path / "cache", 10).held(descriptor(f"{http}/whole"), store) as path:
        assert path.read_bytes() == CONTENT
    assert (store.exists(f"{http}/whole"), store.exists(f"{http}/none")) == (True, False)


@pytest.mark.parametrize(
    ("path", "patience_s", "told"),
    [
        ("none", SOON_S, "there is no such file"),
        ("forbidden", SOON_S, "403"),
        ("overloaded", SOON_S, "503"),
        ("broken", SOON_S, "cannot be read: ClientPayloadError"),
        ("slow", 0.5, "did not give all of it within 0.5 s"),  # all of it takes hours
        ("silent", 0.5, "did not give all of it within 0.5 s"),
    ],
)
def test_http_faults_are_told(http: str, tmp_path: Path, path: str, patience_s: float, told: str) -> None:
    """In time, however slow the server is; all of them may pass."""
    begin = time.monotonic()

    error = refused(Store(patience_s=patience_s), f"{http}/{path}?signature=secret", tmp_path / "copy")

    assert told in str(error)
    assert "secret" not in str(error)
    assert error.passing
    assert time.monotonic() - begin < SOON_S


def test_http_transfer_that_breaks_off_unseen_is_seen_by_its_size(http: str, tmp_path: Path) -> None:
    """A server that says no size just ends; what came is no model."""
    with (
        pytest.raises(
            StoreError, match=f"expected {len(CONTENT)} bytes, got 1000; did its transfer break off"
        ) as caught,
        Cache(tmp_path / "cache", 10).held(descriptor(f"{http}/unsized"), Store()),
    ):
        pass

    assert caught.value.passing


def test_http_file_that_is_too_large_is_not_fetched(http: str, tmp_path: Path) -> None:
    """Its announced size is enough to know."""
    with (
        pytest.raises(StoreError, match=f"expected at most 7 bytes, got {len(CONTENT)}") as caught,
        Cache(tmp_path / "cache", 10).held(descriptor(f"{http}/whole", bytes=7), Store()),
    ):
        pass

    assert not caught.value.passing


def test_http_server_that_is_away_is_told(tmp_path: Path) -> None:
    """Also where only its existence is asked for: an unknown answer is no "no"."""
    uri = f"http://127.0.0.1:{free_port()}/whole"

    error = refused(Store(), uri, tmp_path / "copy")

    assert "is the store up" in str(error)
    with pytest.raises(StoreError, match="is the store up"):
        Store().exists(uri)


def test_hadoop_gives_what_it_was_given(file: Path, tmp_path: Path) -> None:
    """By WebHDFS, which needs no Hadoop on this machine."""
    with serving(WebHdfs) as address:
        uri, store = f"webhdfs://{address}/models/iris/1/model.pmml", Store()
        before = store.exists(uri)

        store.put(file, uri)
        store.fetch(uri, tmp_path / "copy")

        assert (before, store.exists(uri)) == (False, True)
        assert (tmp_path / "copy").read_bytes() == CONTENT
        assert "there is no such file" in str(refused(store, f"{uri}.none", tmp_path / "copy"))


WORKER = """
import hashlib, random, sys
from pathlib import Path
from penstock.models.cache import Cache
from penstock.models.descriptor import ModelDescriptor
from penstock.models.store import Store

folder, seed = Path(sys.argv[1]), int(sys.argv[2])
chance, cache, store = random.Random(seed), Cache(folder / "cache", 1), Store()
files = sorted((folder / "store").iterdir())
for _ in range(150):
    file = chance.choice(files)
    tree = {"name": "m", "version": 1, "job": "pmml", "format": "pmml", "uri": str(file), "sha256": file.name}
    with cache.held(ModelDescriptor.parse(tree, "test"), store) as path:
        with path.open("rb") as opened:
            assert hashlib.file_digest(opened, "sha256").hexdigest() == file.name
"""


def test_processes_share_a_cache(tmp_path: Path) -> None:
    """With room for three of twelve files: nobody loses what it is about to open, also when others are killed."""
    (tmp_path / "store").mkdir()
    for number in range(12):
        content = bytes([number]) * 300_000
        (tmp_path / "store" / hashlib.sha256(content).hexdigest()).write_bytes(content)
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    workers = [subprocess.Popen([*command, str(seed)], stderr=subprocess.PIPE, text=True) for seed in range(4)]
    victim = subprocess.Popen([*command, "9"], stderr=subprocess.DEVNULL)
    try:
        while not list((tmp_path / "cache").glob("??/*")):
            assert workers[0].poll() in {None, 0}, workers[0].communicate()
        victim.kill()
        told = [worker.communicate(timeout=2 * SOON_S) for worker in workers]
    finally:
        for process in (*workers, victim):
            process.kill()
            process.wait(timeout=SOON_S)

    assert [(worker.returncode, error) for worker, (_, error) in zip(workers, told, strict=True)] == [(0, "")] * 4
    # What the killed one left goes with the next file that comes.
    coming = list((tmp_path / "cache" / "coming").iterdir())
    assert len(coming) <= 1
