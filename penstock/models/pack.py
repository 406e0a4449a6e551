"""Models that are folders, as one file: packed the same way every time, unpacked with care (docs/adr/0019).

A packed folder is a ZIP file with the folder's content at its top. Its bytes depend on names and contents alone, so
that a digest means the model: entries are sorted, stored as they are, and have neither times nor rights.
"""

from __future__ import annotations

import io
import shutil
import stat
import tempfile
import time
import zipfile
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from penstock.errors import ModelLoadError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BROKEN", "MOST_ENTRIES", "entries", "pack", "packed", "unpacked"]

MOST_ENTRIES = 20_000
"""Files and folders of a model; more are no model but an attempt to keep a disk busy."""

BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError)
"""What Python raises of a ZIP file that is none, or is damaged."""

_MIB = 1 << 20
_CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
_FIRST_PRINTABLE = " "
_COMING = ".coming-"
#: What a process that died has left of an unpacking is deleted by a later one.
_LEFT_S = 3600.0


def packed(folder: Path) -> bytes:
    """Return a folder as a file's bytes.

    Raises `ModelLoadError` as `pack` does.
    """
    file = io.BytesIO()
    pack(folder, file)
    return file.getvalue()


def pack(folder: Path, file: IO[bytes]) -> None:
    """Write a folder to a file.

    Raises:
        ModelLoadError: it holds links or other things that are neither files nor folders, nothing at all, or what
            cannot be read.
    """
    try:
        found = sorted((each.relative_to(folder).as_posix(), each) for each in folder.rglob("*"))
        if not found:
            raise ModelLoadError(str(folder), "it is an empty folder; name the one that has the model in it")
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, path in found:
                _pack_one(archive, name, path)
    except OSError as error:
        raise ModelLoadError(str(folder), f"it cannot be read: {error}") from error


def _pack_one(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        if not any(path.iterdir()):  # others are there by what is in them
            archive.writestr(_entry(f"{name}/"), b"")
        return
    if not stat.S_ISREG(mode):
        detail = (
            f"{name!r} in it is neither a file nor a folder: put the file itself in its place, links are not packed"
        )
        raise ModelLoadError(str(path.parent), detail)
    with path.open("rb") as source, archive.open(_entry(name), "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, _CHUNK)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3  # else it depends on the machine
    entry.external_attr = (stat.S_IFDIR | 0o755) << 16 if name.endswith("/") else (stat.S_IFREG | 0o644) << 16
    return entry


def entries(path: Path, most_bytes: int) -> dict[str, int]:
    """Return the names of a packed folder's files, and their sizes, after a look at all of them.

    Raises:
        ModelLoadError: it is no packed folder, or one that nobody should unpack.
    """
    with _opened(path) as archive:
        return {entry.filename: entry.file_size for entry in _checked(path, archive, most_bytes) if not entry.is_dir()}


def unpacked(path: Path, into: Path, most_bytes: int) -> Path:
    """Unpack a packed folder, where that has not been done yet, and return ``into``.

    It is there whole or not at all, whoever else unpacks it at the same moment: name it by the file's digest.

    Args:
        path: the packed folder.
        into: what its content becomes: a folder that does not exist yet, or was made by this function.
        most_bytes: what it may come to in all.

    Raises:
        ModelLoadError: it is no packed folder, or one that nobody should unpack.
        StoreError: there is no room for it, or no right to write there.
    """
    if into.is_dir():
        return into
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        _tidy(into.parent)
        coming = Path(tempfile.mkdtemp(prefix=_COMING, dir=into.parent))
    except OSError as error:
        raise _not_written(into, error) from error
    try:
        with _opened(path) as archive:
            _extract(path, archive, _checked(path, archive, most_bytes), coming)
        _settle(coming, into)
    finally:
        shutil.rmtree(coming, ignore_errors=True)
    return into


def _settle(coming: Path, into: Path) -> None:
    try:
        coming.chmod(0o755)
        coming.rename(into)
    except OSError as error:
        if not into.is_dir():  # else another was quicker, with the same content
            raise _not_written(into, error) from error


def _extract(path: Path, archive: zipfile.ZipFile, found: list[zipfile.ZipInfo], folder: Path) -> None:
    for entry in found:
        target = folder / entry.filename
        try:
            if entry.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, target.open("xb") as file:
                shutil.copyfileobj(source, file, _CHUNK)  # no more than the entry's size, which was added up
        except (FileExistsError, NotADirectoryError) as error:
            raise _refused(path, f"its entry {entry.filename!r} is a file and a folder at once") from error
        except OSError as error:
            raise _not_written(target, error) from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except BROKEN as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise _refused(path, f"expected a folder in a ZIP file, got what is none ({said})") from error
    except OSError as error:
        raise ModelLoadError(str(path), f"it cannot be read: {error.strerror or error}") from error


def _checked(path: Path, archive: zipfile.ZipFile, most_bytes: int) -> list[zipfile.ZipInfo]:
    found = archive.infolist()
    if not found:
        raise _refused(path, "its packed folder is empty")
    if len(found) > MOST_ENTRIES:
        raise _refused(path, f"it has {len(found)} entries, at most {MOST_ENTRIES} are taken")
    names: set[str] = set()
    for entry in found:
        fault = _fault(entry)
        if fault is None and entry.filename in names:
            fault = "stands in it twice"
        if fault is not None:
            raise _refused(path, f"its entry {entry.filename!r} {fault}")
        names.add(entry.filename)
    size = sum(entry.file_size for entry in found)
    if size > most_bytes:
        most = f"at most {most_bytes / _MIB:.1f} MiB are taken (models.most_unpacked_mb)"
        raise _refused(path, f"it comes to {size / _MIB:.1f} MiB, {most}")
    return found


def _fault(entry: zipfile.ZipInfo) -> str | None:
    """Tell what is wrong with an entry; None: it can be unpacked."""
    name = entry.orig_filename
    parts = name.removesuffix("/").split("/")
    if "" in parts or any(part in {".", ".."} for part in parts) or "\\" in name or ":" in parts[0]:
        return "leads out of its folder; names are relative, with '/' between them, and have no '..'"
    if any(character < _FIRST_PRINTABLE for character in name):
        return "has a control character in its name"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is neither a file nor a folder; links are not taken"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if entry.compress_type not in _METHODS:
        return "is compressed in an unusual way; deflate it, or store it as it is"
    return None


def _refused(path: Path, detail: str) -> ModelLoadError:
    return ModelLoadError(str(path), f"{detail}; pack it anew: 'penstock models add FOLDER' does")


def _not_written(place: Path, error: OSError) -> StoreError:
    detail = f"it cannot be unpacked there: {error}; is there room on its disk, and may this user write there?"
    return StoreError(str(place), detail, True)


def _tidy(folder: Path) -> None:
    for left in folder.glob(f"{_COMING}*"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - _LEFT_S:
                shutil.rmtree(left, ignore_errors=True)
