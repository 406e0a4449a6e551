"""The repository: reading a folder, resolving refs, fetching files."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ModelChecksumError, ModelDescriptorError, ModelLoadError, UnknownModelError
from penstock.models.descriptor import ModelDescriptor
from penstock.models.ref import ModelRef
from penstock.models.repository import Catalog, fetch, read_catalog

Plain = Callable[..., dict[str, Any]]
Write = Callable[..., Path]

SAMPLES = Path(__file__).parents[3] / "models"


@pytest.fixture
def catalog(plain: Plain) -> Catalog:
    """Three models, one of them in versions 2, 10 and 9."""
    return Catalog(
        ModelDescriptor.parse(plain(name=name, version=version, job=job), "here")
        for name, version, job in [
            ("a", 2, "pmml"),
            ("a", 10, "pmml"),
            ("a", 9, "pmml"),
            ("b", 1, "spark"),
            ("c", 1, "pmml"),
        ]
    )


@pytest.mark.parametrize(("ref", "expected"), [("a", "a:10"), ("a:9", "a:9"), ("b", "b:1")])
def test_ref_resolves(catalog: Catalog, ref: str, expected: str) -> None:
    """A version means itself; a bare name means the highest version, by number and not by text."""
    assert str(catalog.resolve(ModelRef.parse(ref)).ref) == expected


@pytest.mark.parametrize("ref", ["d", "a:3"])
def test_unknown_ref(catalog: Catalog, ref: str) -> None:
    """A model or version that is not there is an error that names those that are."""
    with pytest.raises(
        UnknownModelError, match=f"'{ref}' is not registered; registered models: a:2, a:9, a:10, b:1, c:1"
    ):
        catalog.resolve(ModelRef.parse(ref))


def test_catalog_of_one_job(catalog: Catalog) -> None:
    """A job sees only its own models."""
    assert [str(descriptor.ref) for descriptor in catalog.of_job("pmml")] == ["a:2", "a:9", "a:10", "c:1"]
    assert len(catalog.of_job("service")) == 0


def test_folder_is_read(write: Write, tmp_path: Path) -> None:
    """Descriptors are found at any depth; other files do not matter."""
    write()
    write(version=2)
    write(name="other")
    (tmp_path / "README.md").write_text("not a descriptor", encoding="utf-8")
    assert [str(descriptor.ref) for descriptor in read_catalog(tmp_path)] == ["iris:1", "iris:2", "other:1"]


def test_same_ref_twice(write: Write, tmp_path: Path, plain: Plain) -> None:
    """Two descriptors of one ref are refused, and both are named: nobody could say which one counts."""
    text = write().read_text(encoding="utf-8")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "descriptor.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelDescriptorError, match=r"'iris:1' is described by '.*copy/descriptor.yaml' too"):
        read_catalog(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there is told, with the setting that names it."""
    with pytest.raises(ModelDescriptorError, match="there is no such folder; set models_dir"):
        read_catalog(tmp_path / "nowhere")


def test_file_is_fetched(write: Write) -> None:
    """The bytes are those of the file, by path or by file URI."""
    descriptor = ModelDescriptor.load(write())
    assert fetch(descriptor) == b"model"
    assert fetch(descriptor.model_copy(update={"uri": Path(descriptor.uri).as_uri()})) == b"model"


def test_file_uri_with_escapes(tmp_path: Path, plain: Plain) -> None:
    """A file URI escapes spaces; they are part of the path all the same."""
    path = tmp_path / "my model.pmml"
    path.write_bytes(b"model")
    assert fetch(ModelDescriptor.parse(plain(uri=path.as_uri()), "here")) == b"model"


def test_changed_file_is_refused(write: Write) -> None:
    """A file with another digest is not the model that was described."""
    digest = hashlib.sha256(b"changed").hexdigest()
    with pytest.raises(ModelChecksumError, match=f"expected sha256 9372c470.*, got {digest}"):
        fetch(ModelDescriptor.load(write(content=b"changed")))


def test_missing_file(plain: Plain, tmp_path: Path) -> None:
    """A file that is not there is told by model and path."""
    descriptor = ModelDescriptor.parse(plain(uri=str(tmp_path / "gone.pmml")), "here")
    with pytest.raises(
        ModelLoadError, match=r"'iris:1' cannot be loaded: its file '.*gone.pmml' cannot be read: No such file"
    ):
        fetch(descriptor)


@pytest.mark.parametrize("uri", ["s3://bucket/model.pmml", "file://elsewhere/model.pmml"])
def test_foreign_uri(plain: Plain, uri: str) -> None:
    """A URI that we cannot open is told, with what can be opened."""
    with pytest.raises(ModelLoadError, match=f"expected a path or a file:// URI, got '{uri}'"):
        fetch(ModelDescriptor.parse(plain(uri=uri), "here"))


def test_sample_models_have_the_described_digests() -> None:
    """The committed models are the ones that their descriptors name, and there are four of them."""
    catalog = read_catalog(SAMPLES)
    for descriptor in catalog:
        assert fetch(descriptor).startswith(b"<?xml")
    assert {descriptor.name for descriptor in catalog} == {"iris-tree", "iris-forest", "iris-logistic", "iris-kmeans"}
