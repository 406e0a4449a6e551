"""Copies of models' files on this machine, by their digests: one folder that all worker processes share.

Layout: ``<folder>/<first two digits>/<sha256>``; what is still coming is in ``<folder>/coming``. Whoever adds, deletes
or takes hold of a copy has the folder's lock, for microseconds and never while a file is fetched. Whoever uses a copy
holds a shared lock on it, so that no other process deletes it meanwhile: locks end with the process that has them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import ModelChecksumError, StoreError
from penstock.logs import get_logger
from penstock.models.store import shown_uri

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

    from penstock.models.descriptor import ModelDescriptor, ModelFile
    from penstock.models.store import Store

__all__ = ["Cache"]

_log = get_logger(__name__)
_MIB = 1 << 20
_COMING = "coming"
_LOCK = "lock"
#: A copy that is bad, or deleted, right after it was made: so often in a row that is no coincidence.
_ATTEMPTS = 3
_ADVICE = "is there room on its disk, and may this user write there? or set models.cache_dir to another folder"


class Cache:
    """A folder of copies, bounded in size; any number of threads and processes may use it at once."""

    def __init__(self, folder: Path, most_mb: int) -> None:
        """Prepare; the folder is made when it is needed.

        Args:
            folder: where the copies are.
            most_mb: their size above which those go that were not used for the longest time, in MiB. What is in use
                stays even so.
        """
        self._folder = folder
        self._most_bytes = most_mb * _MIB

    @contextmanager
    def held(self, descriptor: ModelDescriptor, store: Store) -> Iterator[Path]:
        """Yield the path of the model's file, whose bytes were looked at just now; nobody deletes it until the end.

        A copy that has gone bad is fetched anew.

        Raises:
            StoreError: the file cannot be fetched, or not be kept.
            ModelChecksumError: the store's bytes are others than the descriptor's author had.
            ModelLoadError: there is no file.
        """
        file = descriptor.file
        with ExitStack() as stack:
            with _telling(file):
                self._path(file).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / _COMING).mkdir(exist_ok=True)
                path = self._hold(file, store, stack)
            yield path

    def _hold(self, wanted: ModelFile, store: Store, stack: ExitStack) -> Path:
        path = self._path(wanted)
        for _ in range(_ATTEMPTS):
            with self._locked():
                copy = _take(path)
            if copy is None:
                copy = self._fetch(wanted, store, path)
            stack.enter_context(copy)
            found = _digest(copy)
            if found == wanted.sha256:
                return path
            _log.warning("copy of a model's file has gone bad, fetching it anew", path=str(path), sha256=found)
            self._discard(path, copy)
        detail = f"its copy in {str(self._folder)!r} does not stay as it is; {_ADVICE}"
        raise StoreError(shown_uri(wanted.uri), detail, True)

    def _path(self, wanted: ModelFile) -> Path:
        return self._folder / wanted.sha256[:2] / wanted.sha256

    def _discard(self, path: Path, copy: BufferedReader) -> None:
        """Delete a bad copy, unless another process has put a new one in its place already."""
        with self._locked():
            if path.exists() and os.path.samestat(path.stat(), os.fstat(copy.fileno())):
                path.unlink()

    def _fetch(self, wanted: ModelFile, store: Store, path: Path) -> BufferedReader:
        with self._coming(wanted.sha256) as (coming, handle):
            most = self._most_bytes if wanted.bytes is None else wanted.bytes
            store.fetch(wanted.uri, coming, most)
            size = coming.stat().st_size
            if wanted.bytes is not None and size < wanted.bytes:
                detail = f"expected {wanted.bytes} bytes, got {size}; did its transfer break off?"
                raise StoreError(shown_uri(wanted.uri), detail, True)
            with coming.open("rb") as file:
                found = _digest(file)
            if found != wanted.sha256:
                raise ModelChecksumError(shown_uri(wanted.uri), wanted.sha256, found)
            with self._locked():
                copy = _take(path)
                if copy is None:  # else another was quicker: its copy has the same bytes, and perhaps readers
                    coming.replace(path)
                    fcntl.flock(handle, fcntl.LOCK_UN)
                    copy = path.open("rb")
                    fcntl.flock(copy, fcntl.LOCK_SH)
                self._trim()
                return copy

    @contextmanager
    def _coming(self, digest: str) -> Iterator[tuple[Path, int]]:
        """Yield a path for what is on its way: locked, so that what a dead process left can be told from it."""
        with self._locked():
            handle, name = tempfile.mkstemp(prefix=f"{digest}.", dir=self._folder / _COMING)
            fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield Path(name), handle
        finally:
            Path(name).unlink(missing_ok=True)
            os.close(handle)

    def _trim(self) -> None:
        """Delete what was not used for the longest time, down to the bound, and what dead processes left."""
        for left in (self._folder / _COMING).iterdir():
            _delete_unused(left)
        copies = sorted(self._copies(), key=lambda copy: copy[0].st_mtime_ns)
        total = sum(stat.st_size for stat, _ in copies)
        for stat, path in copies:
            if total <= self._most_bytes:
                break
            if _delete_unused(path):
                total -= stat.st_size

    def _copies(self) -> Iterator[tuple[os.stat_result, Path]]:
        for path in self._folder.glob("??/*"):
            with suppress(FileNotFoundError):  # somebody tidies up by hand
                yield path.stat(), path

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / _LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _telling(wanted: ModelFile) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        detail = f"its copy cannot be kept: {error}; {_ADVICE}"
        raise StoreError(shown_uri(wanted.uri), detail, True) from error


def _take(path: Path) -> BufferedReader | None:
    """Open a copy and lock it against deletion; None where there is none. The caller has the folder's lock."""
    try:
        copy = path.open("rb")
    except FileNotFoundError:
        return None
    fcntl.flock(copy, fcntl.LOCK_SH)
    os.utime(path)  # access times are often not kept: the time of change says when it was used
    return copy


def _delete_unused(path: Path) -> bool:
    """Delete a file unless somebody holds it; what another user put there is that user's."""
    try:
        with path.open("r+b") as file:  # some file systems give a lock alone only to those who may write
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    except FileNotFoundError:
        return True
    except (BlockingIOError, PermissionError):
        return False
    return True


def _digest(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()
