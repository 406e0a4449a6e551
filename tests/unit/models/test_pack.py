"""Packed folders: the same bytes for the same content, and nothing unpacked that should not be."""

from __future__ import annotations

import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from penstock.errors import ModelLoadError, StoreError
from penstock.models import pack
from penstock.models.pack import entries, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST = 1_000_000
CONTENT = {"saved_model.pb": b"graph", "variables/variables.index": b"\0" * 5_000, "assets/": None}


def folder_of(place: Path, content: Mapping[str, bytes | None]) -> Path:
    """Make a folder; names that end in a slash are empty folders."""
    for name, data in content.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(data)
    return place


def content_of(folder: Path) -> dict[str, bytes | None]:
    """Tell what is in a folder, as `folder_of` makes it."""
    found = sorted(folder.rglob("*"))
    files = {each.relative_to(folder).as_posix(): each.read_bytes() for each in found if each.is_file()}
    empty = [each for each in found if each.is_dir() and not any(each.iterdir())]
    return {**files, **{f"{each.relative_to(folder).as_posix()}/": None for each in empty}}


def archive(path: Path, *found: zipfile.ZipInfo | str, data: bytes = b"x") -> Path:
    """Write a ZIP file as somebody else might."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for entry in found:
            file.writestr(entry, data)
    return path


def entry(name: str, **changes: int) -> zipfile.ZipInfo:
    """Make an entry; keywords replace what is said of it."""
    made = zipfile.ZipInfo(name)
    for key, value in changes.items():
        setattr(made, key, value)
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A packed folder."""
    path = tmp_path / "model.zip"
    path.write_bytes(packed(folder_of(tmp_path / "model", CONTENT)))
    return path


def test_folder_there_and_back(model: Path, tmp_path: Path) -> None:
    """With empty folders, under the name that was asked for, and nothing left beside it."""
    into = tmp_path / "unpacked" / "digest"

    assert unpacked(model, into, MOST) == into
    assert content_of(into) == CONTENT
    assert [each.name for each in into.parent.iterdir()] == ["digest"]
    assert entries(model, MOST) == {"saved_model.pb": 5, "variables/variables.index": 5_000}


def test_same_content_has_the_same_bytes(tmp_path: Path) -> None:
    """Whenever it was written, by whom, and in which order."""
    one = folder_of(tmp_path / "one", CONTENT)
    two = folder_of(tmp_path / "two", dict(reversed(CONTENT.items())))
    (two / "saved_model.pb").chmod(0o600)

    assert packed(one) == packed(two)
    assert packed(one) != packed(folder_of(tmp_path / "three", {**CONTENT, "saved_model.pb": b"other"}))


def test_folder_is_unpacked_once(model: Path, tmp_path: Path) -> None:
    """What is there is whole: it came there by a renaming."""
    into = unpacked(model, tmp_path / "into", MOST)
    model.unlink()

    assert unpacked(model, into, MOST) == into


def test_another_that_is_quicker_wins(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have the same content; nothing of the slower one is left."""
    into = tmp_path / "there" / "into"
    extract = pack._extract

    def slow(*arguments: object) -> None:
        extract(*arguments)  # type: ignore[arg-type]
        folder_of(into, {"quick": b""})

    monkeypatch.setattr(pack, "_extract", slow)

    assert content_of(unpacked(model, into, MOST)) == {"quick": b""}
    assert [*into.parent.iterdir()] == [into]


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (["../evil"], "'../evil' leads out of its folder"),
        (["a/../../evil"], "leads out"),
        (["/etc/passwd"], "leads out"),
        (["a//b"], "leads out"),
        (["./a"], "leads out"),
        (["..\\evil"], "leads out"),
        (["C:/evil"], "leads out"),
        (["a\nb"], "has a control character"),
        (["a", "b", "a"], "'a' stands in it twice"),
        (["a", "a/b"], "is a file and a folder at once"),
        ([entry("link", create_system=3, external_attr=(stat.S_IFLNK | 0o777) << 16)], "links are not taken"),
        ([entry("pipe", create_system=3, external_attr=(stat.S_IFIFO | 0o777) << 16)], "neither a file nor a folder"),
        ([entry("a", compress_type=zipfile.ZIP_BZIP2)], "compressed in an unusual way"),
        ([], "is empty"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_what_should_not_be_unpacked(tmp_path: Path, made: list[str | zipfile.ZipInfo], fault: str) -> None:
    """It is told which entry, and nothing is written."""
    path = archive(tmp_path / "evil.zip", *made)

    with pytest.raises(ModelLoadError, match=f"{fault.replace('.', '[.]')}.*; pack it anew"):
        unpacked(path, tmp_path / "x" / "into", MOST)
    assert not [*(tmp_path / "x").iterdir()]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["evil.zip", "x"]


def test_encrypted_folder_is_refused(tmp_path: Path) -> None:
    """Nobody has the password."""
    path = archive(tmp_path / "secret.zip", "a")
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8 : central + 10] = struct.pack("<H", 1)
    path.write_bytes(data)

    with pytest.raises(ModelLoadError, match="'a' is encrypted"):
        entries(path, MOST)


def test_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A megabyte of zeros takes a kilobyte; what they come to is known before."""
    path = archive(tmp_path / "bomb.zip", "a", "b", data=bytes(MOST))
    assert path.stat().st_size < MOST / 100

    with pytest.raises(
        ModelLoadError, match=r"it comes to 1\.9 MiB, at most 1\.0 MiB are taken \(models.most_unpacked"
    ):
        unpacked(path, tmp_path / "into", MOST)


def test_bomb_that_lies_is_not_unpacked(tmp_path: Path) -> None:
    """Its table says less than there is: no more than that is written, and then it is refused."""
    path = archive(tmp_path / "bomb.zip", "a", data=bytes(MOST))
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.index(mark) + at
        data[place : place + 4] = struct.pack("<I", 10)
    path.write_bytes(data)

    with pytest.raises(ModelLoadError, match="got what is none"):
        unpacked(path, tmp_path / "x" / "into", MOST)
    assert not [*(tmp_path / "x").iterdir()]


def test_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They need no bytes to fill a disk."""
    monkeypatch.setattr(pack, "MOST_ENTRIES", 2)

    with pytest.raises(ModelLoadError, match="it has 3 entries, at most 2"):
        entries(archive(tmp_path / "many.zip", "a", "b", "c"), MOST)


@pytest.mark.parametrize("length", [0, 10, 5_200])
def test_file_that_is_no_packed_folder(model: Path, tmp_path: Path, length: int) -> None:
    """Other bytes, or a part of one."""
    model.write_bytes(model.read_bytes()[:length])

    with pytest.raises(ModelLoadError, match="expected a folder in a ZIP file, got what is none"):
        unpacked(model, tmp_path / "into", MOST)


def test_damaged_content_is_seen(model: Path, tmp_path: Path) -> None:
    """By its checksum."""
    model.write_bytes(model.read_bytes().replace(b"graph", b"grape"))

    with pytest.raises(ModelLoadError, match="Bad CRC-32"):
        unpacked(model, tmp_path / "into", MOST)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    """It is told as what it is."""
    with pytest.raises(ModelLoadError, match="cannot be read: No such file"):
        entries(tmp_path / "gone.zip", MOST)


def test_place_that_cannot_be_written(model: Path, tmp_path: Path) -> None:
    """It may be another time: a disk that is full."""
    with pytest.raises(StoreError, match="cannot be unpacked there") as caught:
        unpacked(model, tmp_path / "model.zip" / "into", MOST)

    assert caught.value.passing


def test_links_are_not_packed(tmp_path: Path) -> None:
    """They lead elsewhere on another machine."""
    folder = folder_of(tmp_path / "model", CONTENT)
    (folder / "variables" / "link").symlink_to("/etc/passwd")

    with pytest.raises(ModelLoadError, match="'variables/link' in it is neither a file nor a folder"):
        packed(folder)


def test_empty_folder_is_no_model(tmp_path: Path) -> None:
    """Somebody meant another one."""
    (tmp_path / "model").mkdir()

    with pytest.raises(ModelLoadError, match="it is an empty folder"):
        packed(tmp_path / "model")
