"""Folders of models: their descriptors, at any depth, and each ref once."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ModelDescriptorError
from penstock.models.repository import read_folder

Plain = Callable[..., dict[str, Any]]
Write = Callable[..., Path]

SAMPLES = Path(__file__).parents[3] / "models"


def test_folder_is_read(write: Write, tmp_path: Path) -> None:
    """Descriptors are found at any depth; other files do not matter."""
    write()
    write(version=2)
    write(name="other")
    (tmp_path / "README.md").write_text("not a descriptor", encoding="utf-8")
    assert [str(descriptor.ref) for descriptor in read_folder(tmp_path)] == ["iris:1", "iris:2", "other:1"]


def test_same_ref_twice(write: Write, tmp_path: Path, plain: Plain) -> None:
    """Two descriptors of one ref are refused, and both are named: nobody could say which one counts."""
    text = write().read_text(encoding="utf-8")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "descriptor.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelDescriptorError, match=r"'iris:1' is described by '.*copy/descriptor.yaml' too"):
        read_folder(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there is told, with the setting that names it."""
    with pytest.raises(ModelDescriptorError, match="there is no such folder; set models_dir"):
        read_folder(tmp_path / "nowhere")


def test_sample_models_have_the_described_digests() -> None:
    """The committed models are the ones that their descriptors name, and there are six of them."""
    found = read_folder(SAMPLES)
    for descriptor in found:
        assert hashlib.sha256(Path(descriptor.file.uri).read_bytes()).hexdigest() == descriptor.sha256
    assert {descriptor.name for descriptor in found} == {
        *("iris-tree", "iris-forest", "iris-logistic", "iris-kmeans"),
        *("sentiment", "image-classifier"),
    }
