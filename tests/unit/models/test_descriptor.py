"""Descriptors: what is read, and how faults are told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ModelDescriptorError
from penstock.models.descriptor import ModelDescriptor
from penstock.models.ref import ModelRef

Plain = Callable[..., dict[str, Any]]
Write = Callable[..., Path]


def test_descriptor_is_read_from_plain_data(plain: Plain) -> None:
    """Everything that is not given has a default, and the ref is made of name and version."""
    descriptor = ModelDescriptor.parse(plain(inputs=[{"name": "a", "type": "double"}]), "here")
    assert descriptor.ref == ModelRef("iris", 1)
    assert descriptor.inputs[0].name == "a"
    assert (descriptor.outputs, descriptor.prediction, descriptor.sample) == ((), None, None)


def test_plain_data_and_back(plain: Plain) -> None:
    """A descriptor survives its way to a worker: as JSON text at the worst."""
    descriptor = ModelDescriptor.parse(plain(sample={"a": 1.5}, outputs=[{"name": "y", "type": "string"}]), "here")
    assert ModelDescriptor.parse(json.loads(json.dumps(descriptor.plain())), "there") == descriptor


def test_relative_uri_is_taken_from_the_descriptors_folder(write: Write, tmp_path: Path) -> None:
    """The model's file stands beside its descriptor, wherever the reader stands."""
    assert ModelDescriptor.load(write()).uri == str(tmp_path / "iris" / "1" / "model.pmml")


@pytest.mark.parametrize("uri", ["file:///models/m.pmml", "s3://bucket/m.pmml", "/models/m.pmml"])
def test_absolute_uri_is_left_alone(write: Write, uri: str) -> None:
    """A URI or an absolute path is not joined to anything."""
    assert ModelDescriptor.load(write(uri=uri)).uri == uri


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha": "x"}, r"key 'sha' is unknown; did you mean 'sha256'\?"),
        ({"inputs": [{"nam": "a", "type": "x"}]}, r"key 'inputs.0.nam' is unknown; did you mean 'name'\?"),
        ({"job": None}, "key 'job' is missing"),
        ({"version": 0}, "version: input should be greater than or equal to 1, got 0"),
        ({"version": "1"}, "version: input should be a valid integer, got '1'"),
        ({"version": True}, "version: input should be a valid integer, got True"),
        ({"sha256": "abc"}, "sha256: string should match pattern"),
        ({"name": "a b"}, "name: string should match pattern"),
    ],
)
def test_fault_is_named(plain: Plain, changes: dict[str, Any], message: str) -> None:
    """A message says where the descriptor came from, which key is wrong and what was found."""
    with pytest.raises(ModelDescriptorError, match=rf"^model descriptor 'here': .*{message}"):
        ModelDescriptor.parse(plain(**changes), "here")


def test_all_faults_at_once(plain: Plain) -> None:
    """One look at the message is enough to put everything right."""
    with pytest.raises(ModelDescriptorError, match=r"key 'job' is missing; .*key 'nme' is unknown"):
        ModelDescriptor.parse(plain(job=None, nme="iris"), "here")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- a\n", "expected a mapping, got list"),
        (b"", "expected a mapping, got NoneType"),
        (b"a: [", "parsing"),
        (b"\xff\xfe\xfa", ""),
    ],
)
def test_file_that_is_no_descriptor(tmp_path: Path, content: bytes, message: str) -> None:
    """Whatever is wrong with the file, the message names it."""
    path = tmp_path / "descriptor.yaml"
    path.write_bytes(content)
    with pytest.raises(ModelDescriptorError, match=rf"descriptor.yaml': .*{message}"):
        ModelDescriptor.load(path)


def test_missing_file(tmp_path: Path) -> None:
    """A path that leads nowhere is a fault of the descriptor too."""
    with pytest.raises(ModelDescriptorError, match="No such file"):
        ModelDescriptor.load(tmp_path / "descriptor.yaml")
