"""Descriptors: what is read, and how faults are told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from penstock.errors import ModelDescriptorError, ModelLoadError
from penstock.models import schema
from penstock.models.descriptor import ModelDescriptor
from penstock.models.ref import ModelRef

Plain = Callable[..., dict[str, Any]]
Write = Callable[..., Path]

ROOT = Path(__file__).parents[3]


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
        ({"version": -1}, "version: input should be greater than or equal to 0, got -1"),
        ({"version": 10**18}, "version: input should be less than or equal to 9{18}, got 1"),
        ({"name": "8400fb1b-9a4d-4f9b-9d2f-2b6f8f5f0a11_3"}, "name: a name of the form <uuid>_<version> is a version"),
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


FIELD = {"name": "a", "type": "double", "optype": "continuous", "required": True, "intervals": ["[0, 10]"]}


def test_what_the_file_does_not_say_is_left_out(plain: Plain) -> None:
    """A zero, false or an empty text is something that a file says."""
    said = {**FIELD, "missing": 0, "required": False, "value": "", "values": [0, False, "", 1.5]}
    descriptor = ModelDescriptor.parse(plain(inputs=[said, {"name": "b", "type": "double"}], bytes=0), "here")
    tree = descriptor.plain()

    assert tree["inputs"] == [said, {"name": "b", "type": "double"}]
    assert tree["bytes"] == 0
    assert "algorithm" not in tree


@pytest.mark.parametrize("name", ["dateTime", "timeSeconds", "dateDaysSince[1970]", "x-dateTimeSecondsSince[2000]"])
def test_types_are_the_formats_own_words(plain: Plain, name: str) -> None:
    """PMML's have capitals and brackets."""
    assert ModelDescriptor.parse(plain(inputs=[{"name": "a", "type": name}]), "here").inputs[0].type == name


def test_values_keep_their_types(plain: Plain) -> None:
    """A class 1, a class "1" and a class that is true are three."""
    values = [1, "1", True, 1.0]
    descriptor = ModelDescriptor.parse(plain(outputs=[{"name": "y", "type": "integer", "values": values}]), "here")
    assert list(map(repr, descriptor.outputs[0].values)) == list(map(repr, values))


def test_a_message_may_be_of_a_newer_release(plain: Plain) -> None:
    """Keys that mean nothing here are told, and the rest counts; a wrong value of a known key is a fault still."""
    tree = plain(inputs=[{**FIELD, "unit": "cm"}], licence="MIT")
    descriptor, unknown = ModelDescriptor.from_message(tree, "here")
    assert (descriptor.inputs[0].optype, unknown) == ("continuous", ("licence", "inputs.0.unit"))

    with pytest.raises(ModelDescriptorError, match="version: input should be a valid integer"):
        ModelDescriptor.from_message(tree | {"version": "x"}, "here")


@pytest.mark.parametrize("tree", [[], None, {"inputs": [3]}, {"inputs": 3, "a": 1}])
def test_a_message_that_is_no_descriptor(tree: object) -> None:
    """It is refused as a file would be."""
    with pytest.raises(ModelDescriptorError, match="model descriptor 'here'"):
        ModelDescriptor.from_message(tree, "here")


def test_the_schema_in_the_repository_is_current() -> None:
    """Run `python -m penstock.models.schema > config/model.schema.json` where this fails."""
    assert (ROOT / "config" / "model.schema.json").read_text() == schema.text()


def test_the_schema_describes_what_is_taken(plain: Plain) -> None:
    """The sample models are valid by it, a wrong key is not."""
    validator = jsonschema.Draft202012Validator(schema.schema())
    samples = [yaml.safe_load(path.read_bytes()) for path in (ROOT / "models").rglob("descriptor.yaml")]

    assert [fault.message for tree in [*samples, plain(inputs=[FIELD])] for fault in validator.iter_errors(tree)] == []
    assert not validator.is_valid(plain(sha="x"))


SERVED = {"job": "service", "format": "tensorflow-serving", "uri": None, "sha256": None}


def test_model_of_a_server_has_no_file(plain: Plain) -> None:
    """It is what its descriptor says of the server; what is not said is the default."""
    bare = ModelDescriptor.parse(plain(**SERVED), "here")
    said = ModelDescriptor.parse(plain(**SERVED, server={"name": "default", "model": "iris"}), "here")
    other = ModelDescriptor.parse(plain(**SERVED, server={"label": "stable"}), "here")

    assert (bare.has_file, bare.in_worker, bare.on_server.model, bare.on_server.version) == (False, False, "iris", None)
    assert bare.identity == said.identity != other.identity
    assert {"uri", "sha256", "server"}.isdisjoint(bare.plain())
    assert ModelDescriptor.parse(other.plain(), "there") == other
    with pytest.raises(ModelLoadError, match="of format 'tensorflow-serving' is its server's: it has no file"):
        _ = bare.file


def test_model_that_a_server_gets_has_a_file(plain: Plain) -> None:
    """The server calls it as we do, version included, and its digest counts."""
    descriptor = ModelDescriptor.parse(plain(job="service", format="saved-model", server={"signature": "png"}), "here")

    assert descriptor.on_server.model_dump(exclude_none=True) == {
        "name": "default",
        "model": "iris",
        "version": 1,
        "signature": "png",
        "method": "predict",
    }
    assert (descriptor.identity, descriptor.suffix) == (descriptor.sha256, "zip")
    assert descriptor.file == (descriptor.uri, descriptor.sha256, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"uri": None}, "key 'uri' is missing"),
        ({"sha256": None}, "key 'sha256' is missing"),
        ({**SERVED, "uri": "x"}, "key 'uri' is of no use: .* its server's; remove it"),
        ({**SERVED, "job": "pmml"}, "format 'tensorflow-serving' is of job 'service' only, got job 'pmml'"),
        ({"server": {}}, "key 'server' is of job 'service' only"),
        ({**SERVED, "server": {"version": 1, "label": "a"}}, "server: version and label say the same"),
        ({**SERVED, "server": {"nam": "a"}}, r"key 'server.nam' is unknown; did you mean 'name'\?"),
        ({"inputs": [{"name": "a", "type": "x", "image": {"width": 8}}]}, "key 'inputs.0.image.height' is missing"),
        ({"inputs": [{"name": "a", "type": "x", "shape": [-2]}]}, "inputs.0.shape.0: input should be greater than"),
    ],
)
def test_fault_of_a_served_model_is_named(plain: Plain, changes: dict[str, Any], message: str) -> None:
    """As any other."""
    with pytest.raises(ModelDescriptorError, match=rf"^model descriptor 'here': .*{message}"):
        ModelDescriptor.parse(plain(**changes), "here")


def test_a_message_may_say_more_of_parts(plain: Plain) -> None:
    """Parts of parts, too."""
    image = {"width": 8, "height": 8, "dpi": 72}
    tree = plain(**SERVED, server={"zone": "a"}, inputs=[{"name": "a", "type": "float", "image": image}])
    descriptor, unknown = ModelDescriptor.from_message(tree, "here")

    assert set(unknown) == {"server.zone", "inputs.0.image.dpi"}
    assert descriptor.inputs[0].image is not None


def test_tensors_have_shapes(plain: Plain) -> None:
    """They travel as the rest does."""
    field = {"name": "pixels", "type": "float", "shape": [-1, 8, 8, 1]}
    descriptor = ModelDescriptor.parse(plain(inputs=[field]), "here")

    assert descriptor.inputs[0].shape == (-1, 8, 8, 1)
    assert descriptor.plain()["inputs"] == [field]
