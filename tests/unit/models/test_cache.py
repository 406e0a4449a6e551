"""The cache of models' files: right bytes whatever happened to a copy, a bound, and nothing deleted that is in use."""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.errors import ModelChecksumError, StoreError
from penstock.models.cache import Cache
from penstock.models.descriptor import ModelDescriptor
from penstock.models.store import Store

if TYPE_CHECKING:
    from io import BufferedReader

Make = Callable[..., ModelDescriptor]
MIB = 1 << 20


class CountingStore(Store):
    """A store that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def fetch(self, uri: str, to: Path, most_bytes: int | None = None) -> None:
        """Fetch, and count it."""
        self.fetched.append(Path(uri).name)
        super().fetch(uri, to, most_bytes)


@pytest.fixture
def store() -> CountingStore:
    """A store of local files."""
    return CountingStore()


@pytest.fixture
def make(tmp_path: Path, plain: Callable[..., dict[str, object]]) -> Make:
    """Make a model's file with the bytes, and return its descriptor; keywords replace keys."""

    def make(content: bytes, **changes: object) -> ModelDescriptor:
        digest = hashlib.sha256(content).hexdigest()
        path = tmp_path / "store" / digest
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        tree = plain(**{"uri": str(path), "sha256": digest, "bytes": len(content), **changes})
        return ModelDescriptor.parse(tree, "test")

    return make


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """A cache of 3 MiB."""
    return Cache(tmp_path / "cache", 3)


def copies(tmp_path: Path) -> set[str]:
    """Name the copies that the cache has."""
    return {path.name for path in (tmp_path / "cache").glob("??/*")}


def use(cache: Cache, descriptor: ModelDescriptor, store: Store) -> bytes:
    """Read a model's file as a loader does."""
    with cache.held(descriptor, store) as path:
        return path.read_bytes()


def test_file_is_fetched_once(cache: Cache, store: CountingStore, make: Make, tmp_path: Path) -> None:
    """After that its copy is used, by other instances too, though the store has it no longer."""
    descriptor = make(b"model")
    first = use(cache, descriptor, store)
    Path(descriptor.uri).unlink()

    second = use(Cache(tmp_path / "cache", 3), descriptor, store)

    assert (first, second) == (b"model", b"model")
    assert store.fetched == [descriptor.sha256]
    assert list((tmp_path / "cache" / "coming").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"mod", b"other", b"modeL", b"model and more"])
def test_bad_copy_is_fetched_anew(
    cache: Cache, store: CountingStore, make: Make, tmp_path: Path, content: bytes
) -> None:
    """A disk that lost power, or somebody's editor, does no harm."""
    descriptor = make(b"model")
    with cache.held(descriptor, store) as path:
        pass
    path.write_bytes(content)

    assert use(cache, descriptor, store) == b"model"
    assert path.read_bytes() == b"model"
    assert len(store.fetched) == 2


def test_wrong_bytes_are_refused(cache: Cache, store: CountingStore, make: Make, tmp_path: Path) -> None:
    """They are never anybody's model, and leave nothing behind."""
    descriptor = make(b"model", sha256="0" * 64)
    found = hashlib.sha256(b"model").hexdigest()

    with pytest.raises(ModelChecksumError, match=rf"expected sha256 0+, got {found}; was the file changed") as caught:
        use(cache, descriptor, store)

    assert not caught.value.passing
    assert copies(tmp_path) == set()
    assert list((tmp_path / "cache" / "coming").iterdir()) == []


def test_transfer_that_broke_off_may_go_well_again(cache: Cache, store: CountingStore, make: Make) -> None:
    """Too few bytes are no other model."""
    descriptor = make(b"model", bytes=6)

    with pytest.raises(StoreError, match="expected 6 bytes, got 5; did its transfer break off") as caught:
        use(cache, descriptor, store)

    assert caught.value.passing


def test_too_many_bytes_are_not_fetched(cache: Cache, store: CountingStore, make: Make) -> None:
    """Neither more than the descriptor says, nor, where it does not, more than the cache may have."""
    for descriptor in (make(b"model", bytes=4), make(b"m" * (4 * MIB), bytes=None)):
        with pytest.raises(StoreError, match=r"expected at most \d+ bytes, got"):
            use(cache, descriptor, store)


def test_what_was_not_used_for_long_goes(cache: Cache, store: CountingStore, make: Make, tmp_path: Path) -> None:
    """Above the bound, the least recently used copies are deleted; a use counts, not only a fetch."""
    first, second, third, fourth = (make(bytes([number]) * MIB) for number in range(4))
    for at, descriptor in enumerate((first, second, third)):
        with cache.held(descriptor, store) as path:
            os.utime(path, (at, at))
    use(cache, first, store)

    use(cache, fourth, store)

    assert copies(tmp_path) == {first.sha256, third.sha256, fourth.sha256}


def test_what_is_in_use_stays(cache: Cache, store: CountingStore, make: Make, tmp_path: Path) -> None:
    """However large the cache grows by it; later it goes like any other."""
    small = Cache(tmp_path / "cache", 1)
    held, other, last = (make(bytes([number]) * MIB) for number in range(3))
    with cache.held(held, store) as path:
        os.utime(path, (0, 0))
        use(small, other, store)
        use(small, last, store)
        during = copies(tmp_path)

    use(small, other, store)

    assert during == {held.sha256, last.sha256}
    assert copies(tmp_path) == {other.sha256}


def test_what_dead_processes_left_goes(cache: Cache, store: CountingStore, make: Make, tmp_path: Path) -> None:
    """Half a file whose writer is gone is deleted, that of a living one is not."""
    coming = tmp_path / "cache" / "coming"
    coming.mkdir(parents=True)
    (coming / "left").write_bytes(b"half")
    with (coming / "alive").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        use(cache, make(b"model"), store)

        assert [path.name for path in coming.iterdir()] == ["alive"]


def test_two_that_fetch_the_same_do_not_disturb_each_other(cache: Cache, make: Make, tmp_path: Path) -> None:
    """Who comes second takes the copy of the first, which may be in use already."""
    descriptor = make(b"model")

    class Slower(Store):
        def fetch(self, uri: str, to: Path, most_bytes: int | None = None) -> None:
            super().fetch(uri, to, most_bytes)
            use(Cache(tmp_path / "cache", 3), descriptor, Store())
            inodes.append(path.stat().st_ino)

    inodes: list[int] = []
    path = tmp_path / "cache" / descriptor.sha256[:2] / descriptor.sha256

    assert use(cache, descriptor, Slower()) == b"model"
    assert [path.stat().st_ino] == inodes


def test_folder_that_cannot_be_used_is_told(store: CountingStore, make: Make, tmp_path: Path) -> None:
    """With the setting that names another one."""
    (tmp_path / "cache").write_bytes(b"no folder")

    with pytest.raises(
        StoreError, match=r"its copy cannot be kept: .*set models\.cache_dir to another folder"
    ) as caught:
        use(Cache(tmp_path / "cache", 3), make(b"model"), store)

    assert caught.value.passing


def test_copy_that_goes_bad_at_once_is_told(store: CountingStore, make: Make, tmp_path: Path) -> None:
    """A disk that gives back other bytes than it was given is not asked for ever."""
    descriptor = make(b"model")

    class Rotten(Cache):
        def _fetch(self, descriptor: ModelDescriptor, store: Store, path: Path) -> BufferedReader:
            copy = super()._fetch(descriptor, store, path)
            path.write_bytes(b"other")
            return copy

    with pytest.raises(StoreError, match="does not stay as it is"):
        use(Rotten(tmp_path / "cache", 3), descriptor, store)


def test_many_at_once_always_read_the_right_bytes(make: Make, tmp_path: Path) -> None:
    """While others evict and fetch the same files, what a holder reads is the model's file."""
    models = {bytes([number]) * 300_000: make(bytes([number]) * 300_000) for number in range(12)}

    def work(seed: int) -> None:
        chance = random.Random(seed)
        cache, store = Cache(tmp_path / "cache", 1), Store()
        for _ in range(40):
            content, descriptor = chance.choice(list(models.items()))
            with cache.held(descriptor, store) as path, path.open("rb") as file:
                assert file.read() == content

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert list((tmp_path / "cache" / "coming").iterdir()) == []
