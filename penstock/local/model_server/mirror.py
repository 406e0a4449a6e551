"""Keeps a folder equal to the registry's SavedModels: `<folder>/<model>/<version>`, as servers of such models want it.

Each version is a link to its unpacked file, by digest; so a version is there whole or not at all, and two refs of one
file are unpacked once. TensorFlow Serving itself can be given the same folder.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from penstock.control.models import ModelsTopic
from penstock.errors import ModelError, ModelRefError, PenstockError
from penstock.logs import get_logger
from penstock.models import pack
from penstock.models.cache import Cache
from penstock.models.ref import ModelRef
from penstock.models.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from penstock.models.descriptor import ModelDescriptor
    from penstock.settings import Settings

__all__ = ["FORMAT", "Folder", "Mirror", "wanted"]

_log = get_logger(__name__)
FORMAT = "saved-model"
"""Of the descriptors that are served from here."""
_UNPACKED = ".unpacked"
_MIB = 1 << 20
_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 60.0
_MOST_DOUBLINGS = 10


def wanted(descriptors: Iterable[ModelDescriptor]) -> dict[tuple[str, int], ModelDescriptor]:
    """Return which model is to be served under which name and version; of two for the same place the first counts."""
    found: dict[tuple[str, int], ModelDescriptor] = {}
    for descriptor in descriptors:
        if descriptor.job == "service" and descriptor.format == FORMAT:
            place = _place(descriptor)
            if place is None:
                _once(descriptor, "its name at the server has other characters than a model's name may have")
            elif found.setdefault(place, descriptor).sha256 != descriptor.sha256:
                _once(descriptor, f"{found[place].ref} is served as version {place[1]} of {place[0]!r} already")
    return found


class _Failure(NamedTuple):
    """What kept a model from its place."""

    descriptor: ModelDescriptor
    times: int
    retry_at_s: float | None
    """None: the same would go wrong again, until the descriptor is another one."""


class Folder:
    """The folder that servers look at. One process at a time writes it."""

    def __init__(
        self,
        folder: Path,
        fetch: Callable[[ModelDescriptor, Path], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            folder: is made when it is needed.
            fetch: unpacks a model's file to a path where nothing is yet; raises `PenstockError`.
            clock: tells seconds.
        """
        self._folder = folder
        self._unpacked = folder / _UNPACKED
        self._fetch = fetch
        self._clock = clock
        self._failures: dict[tuple[str, int], _Failure] = {}

    def become(self, wanted: Mapping[tuple[str, int], ModelDescriptor]) -> bool:
        """Have these versions and no others; return whether anything changed.

        What cannot be had is left out. It is tried again, less and less often, where it may go well later, and not at
        all where it may not, until its descriptor is another one: files may be large, and looks are frequent.
        """
        self._unpacked.mkdir(parents=True, exist_ok=True)
        changed = self._drop(wanted)
        self._failures = {at: each for at, each in self._failures.items() if wanted.get(at) == each.descriptor}
        for place, descriptor in wanted.items():
            link = self._folder / place[0] / str(place[1])
            if not link.is_symlink() and self._is_due(place):
                changed |= self._add(place, link, descriptor)
        self._tidy()
        return changed

    def _is_due(self, place: tuple[str, int]) -> bool:
        failure = self._failures.get(place)
        return failure is None or (failure.retry_at_s is not None and failure.retry_at_s <= self._clock())

    def _add(self, place: tuple[str, int], link: Path, descriptor: ModelDescriptor) -> bool:
        try:
            target = self._unpacked / str(descriptor.sha256)
            if not target.is_dir():
                self._fetch(descriptor, target)
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(os.path.relpath(target, link.parent), target_is_directory=True)
        except (PenstockError, OSError) as error:
            self._failed(place, descriptor, error)
            return False
        self._failures.pop(place, None)
        _said.pop(str(descriptor.ref), None)
        return True

    def _failed(self, place: tuple[str, int], descriptor: ModelDescriptor, error: Exception) -> None:
        """Note when it is tried again; whether it is, goes by the same rule as in the jobs (`penstock.models`)."""
        times = self._failures[place].times if place in self._failures else 0
        delay_s = min(_LAST_RETRY_S, _FIRST_RETRY_S * 2 ** min(times, _MOST_DOUBLINGS))
        final = isinstance(error, ModelError) and not error.passing
        self._failures[place] = _Failure(descriptor, times + 1, None if final else self._clock() + delay_s)
        _once(descriptor, f"{error}; delete it, and add it anew, when that is put right" if final else str(error))

    def _drop(self, wanted: Mapping[tuple[str, int], ModelDescriptor]) -> bool:
        """Remove links that are not wanted, or lead elsewhere than they should."""
        keep = {(name, str(number)): descriptor.sha256 for (name, number), descriptor in wanted.items()}
        dropped = False
        for link in self._links():
            sha256 = keep.get((link.parent.name, link.name))
            if sha256 is None or link.readlink().name != sha256 or not link.exists():
                link.unlink()
                dropped = True
        return dropped

    def _tidy(self) -> None:
        """Remove what no link leads to any more."""
        used = {link.readlink().name for link in self._links()}
        for path in self._unpacked.iterdir():
            if path.name not in used and not path.name.startswith("."):
                shutil.rmtree(path, ignore_errors=True)
        for path in self._folder.iterdir():
            if path.is_dir() and path.name != _UNPACKED and not any(path.iterdir()):
                path.rmdir()

    def _links(self) -> list[Path]:
        return [path for path in self._folder.glob("[!.]*/*") if path.is_symlink()]


class Mirror:
    """Looks at the registry every so often, in a thread of its own."""

    def __init__(self, settings: Settings, folder: Path, changed: Callable[[], None]) -> None:
        """Prepare.

        Args:
            settings: where the registry and the models' files are.
            folder: what servers look at.
            changed: is called after each change, from the thread.
        """
        self._settings = settings
        models = settings.models
        self._store = Store.of(models)
        self._cache = Cache(models.cache_folder, models.cache_mb)
        self._folder = Folder(folder, self._fetch)
        self._changed = changed
        self._topic: ModelsTopic | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)
        self.complete = threading.Event()
        """Set when the registry was read and followed for the first time."""

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self, patience_s: float = 5.0) -> None:
        """End the thread; a file that is on its way is given up."""
        self._end.set()
        self._thread.join(patience_s)

    def _run(self) -> None:
        poll_s = self._settings.model_server.poll_ms / 1000
        while not self._end.is_set():
            try:
                self._look()
            except PenstockError as error:
                self._hang_up()
                _log.warning("the registry cannot be read, trying again", reason=str(error))
            except Exception:  # noqa: BLE001  a full disk, a client's surprise: what is served stays, and the next look may do
                self._hang_up()
                _log.exception("the registry cannot be followed, trying again")
            self._end.wait(poll_s)
        self._hang_up()

    def _look(self) -> None:
        if self._topic is None:
            self._topic = ModelsTopic(self._settings)
        else:
            self._topic.refresh()
        if self._folder.become(wanted(self._topic.registry)):
            self._changed()
        self.complete.set()

    def _fetch(self, descriptor: ModelDescriptor, to: Path) -> None:
        with self._cache.held(descriptor, self._store) as path:
            pack.unpacked(path, to, self._settings.models.most_unpacked_mb * _MIB)

    def _hang_up(self) -> None:
        topic, self._topic = self._topic, None
        if topic is not None:
            topic.close()


def _place(descriptor: ModelDescriptor) -> tuple[str, int] | None:
    server = descriptor.server
    name = server.model if server is not None and server.model else descriptor.name
    number = server.version if server is not None and server.version is not None else descriptor.version
    try:
        return ModelRef.parse(f"{name}:{number}").name, number
    except ModelRefError:
        return None


#: What was said last of a model, lest it is said at each look.
_said: dict[str, str] = {}


def _once(descriptor: ModelDescriptor, reason: str) -> None:
    if _said.get(str(descriptor.ref)) != reason:
        _said[str(descriptor.ref)] = reason
        _log.warning("a model is not served", model=str(descriptor.ref), reason=reason)
