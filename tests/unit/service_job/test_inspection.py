"""What can be told of a packed SavedModel without TensorFlow, and without a server."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from jobs.service_job.inspection import inspect
from penstock.models.inspection import Checks
from penstock.remote.messages import message
from penstock.remote.tensors import number_of
from penstock.settings import ServerSettings, ServiceSettings
from penstock.testing.tensorflow_serving import FakeModel, FakeTensorFlowServing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from penstock.models.findings import Inspection

Tensors = dict[str, tuple[str, list[int]]]
PNG: tuple[Tensors, Tensors] = (
    {"image_bytes": ("string", [-1])},
    {"label": ("int64", [-1]), "scores": ("float", [-1, 10])},
)


def saved(tags: tuple[str, ...] = ("serve",), method: str = "predict", **signatures: tuple[Tensors, Tensors]) -> bytes:
    """The bytes of a ``saved_model.pb``."""
    found = message("tensorflow.SavedModel")()
    graph = found.meta_graphs.add()
    graph.meta_info_def.tags.extend(tags)
    graph.meta_info_def.tensorflow_version = "2.20.0"
    for name, sides in signatures.items():
        signature = graph.signature_def[name]
        signature.method_name = f"tensorflow/serving/{method}"
        for infos, tensors in zip((signature.inputs, signature.outputs), sides, strict=True):
            for each, (word, shape) in tensors.items():
                infos[each].dtype = number_of(word)
                for size in shape:
                    infos[each].tensor_shape.dim.add(size=size)
    content: bytes = found.SerializeToString()
    return content


@pytest.fixture
def inspected(tmp_path: Path) -> Callable[..., Inspection]:
    """Pack files and look into the archive."""

    def look(content: bytes, name: str = "saved_model.pb", **said: Any) -> Inspection:
        path = tmp_path / "model.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, content)
        return inspect(path, said, Checks())

    return look


def found(inspection: Inspection) -> str:
    """What is found, with what to do."""
    return "; ".join(f"{each.rule}: {each.found} {each.advice}" for each in inspection.findings)


def test_file_tells_inputs_and_outputs(inspected: Callable[..., Inspection]) -> None:
    """And who wrote it."""
    inspection = inspected(saved(png=PNG), server={"signature": "png"}, prediction="label")

    assert found(inspection) == ""
    assert inspection.fields == {
        "format": "saved-model",
        "producer": "TensorFlow 2.20.0",
        "inputs": [{"name": "image_bytes", "type": "string", "shape": [-1]}],
        "outputs": [
            {"name": "label", "type": "int64", "shape": [-1]},
            {"name": "scores", "type": "float", "shape": [-1, 10]},
        ],
    }


def test_what_the_author_says_of_an_input_stays(inspected: Callable[..., Inspection]) -> None:
    """What stands in for it, that it is an image, and the order."""
    signature: tuple[Tensors, Tensors] = (
        {"age": ("int32", [-1]), "image": ("float", [-1, 8, 8, 1])},
        {"y": ("float", [-1])},
    )
    image = {"name": "image", "type": "float", "image": {"width": 8, "height": 8, "mode": "L"}}
    inputs = [image, {"name": "age", "type": "int32", "missing": 40}]
    inspection = inspected(saved(serving_default=signature), inputs=inputs)

    assert found(inspection) == ""
    assert inspection.fields["inputs"] == [
        {**image, "shape": [-1, 8, 8, 1]},
        {"name": "age", "type": "int32", "shape": [-1], "missing": 40},
    ]


def test_what_workers_would_refuse_is_refused_at_once(inspected: Callable[..., Inspection]) -> None:
    """With the same words."""
    content = saved(serving_default=PNG)

    assert "set 'prediction' to one of label, scores" in found(inspected(content))
    wrong = [{"name": "image_bytes", "type": "float"}]
    assert "'float' in its descriptor, 'string'" in found(inspected(content, inputs=wrong, prediction="label"))


def test_signature_has_to_be_there(inspected: Callable[..., Inspection]) -> None:
    """The message has those that are."""
    said = found(inspected(saved(png=PNG, other=PNG)))

    assert "signature 'serving_default': it has other, png" in said
    assert "--signature" in said


def test_method_has_to_be_the_signatures(inspected: Callable[..., Inspection]) -> None:
    """Servers refuse others."""
    server = {"method": "classify"}
    inputs = [{"name": "age", "type": "int64"}]

    assert "wants a signature" in found(inspected(saved(serving_default=PNG), server=server, inputs=inputs))
    good = inspected(saved(serving_default=PNG, method="classify"), server=server, inputs=inputs)
    assert found(good) == ""
    assert "inputs" not in good.fields


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "model.keras", "expected saved_model.pb at the top of the folder, got model.keras"),
        (b"", "digits/saved_model.pb", "give the folder that has it"),
        (b"\xff" * 9, "saved_model.pb", "cannot be read"),
        (saved(("train",), png=PNG), "saved_model.pb", "the tag 'serve', got train"),
    ],
)
def test_other_archives_are_refused(inspected: Callable[..., Inspection], content: bytes, name: str, said: str) -> None:
    """With what was found instead."""
    inspection = inspected(content, name)

    assert said in found(inspection)
    assert inspection.fields == {}


def damaged() -> bytes:
    """A zip whose list of entries is whole and whose content is not."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("saved_model.pb", b"\x08\x01" * 1_000)
    data = file.getvalue()
    at = data.index(b"saved_model.pb") + len(b"saved_model.pb")
    return data[:at] + b"\xff" + data[at + 1 :]


@pytest.mark.parametrize("content", [b"no archive", damaged()])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever they are."""
    path = tmp_path / "model.zip"
    path.write_bytes(content)

    assert "packed folder (zip)" in found(inspect(path, {}, Checks()))


ON_SERVER = {"name": "digits", "version": 3, "job": "service", "format": "tensorflow-serving", "prediction": "label"}
DIGITS = FakeModel(
    score=lambda inputs: inputs,
    inputs={"image_bytes": ("string", (-1,))},
    outputs={"label": ("int64", (-1,)), "scores": ("float", (-1, 10))},
)


def asked(address: str, **said: Any) -> Inspection:
    """Ask a server, as an installation that has it; on a busy machine one attempt to connect may not do."""
    servers = {"default": ServerSettings(endpoints=(address,))}
    service = ServiceSettings(servers=servers, attempts=1, deadline_ms=60_000)
    for _ in range(5):
        inspection = inspect(None, {**ON_SERVER, **said}, Checks(service=service))
        if "UNAVAILABLE" not in found(inspection):
            break
    return inspection


def test_server_tells_what_the_author_leaves_out() -> None:
    """As a file would; a server that is not configured for this is not asked."""
    with FakeTensorFlowServing({"digits": DIGITS}) as server:
        inspection = asked(server.address)

    assert found(inspection) == ""
    assert inspection.fields == {
        "inputs": [{"name": "image_bytes", "type": "string", "shape": [-1]}],
        "outputs": [
            {"name": "label", "type": "int64", "shape": [-1]},
            {"name": "scores", "type": "float", "shape": [-1, 10]},
        ],
    }
    assert inspect(None, ON_SERVER, Checks()) == ((), {})


def test_outputs_that_the_author_names_are_all() -> None:
    """Others are in no result."""
    with FakeTensorFlowServing({"digits": DIGITS}) as server:
        fields = asked(server.address, outputs=[{"name": "label", "type": "int64"}]).fields

    assert fields["outputs"] == [{"name": "label", "type": "int64", "shape": [-1]}]


def test_server_and_author_have_to_agree() -> None:
    """Else no worker could score with it."""
    with FakeTensorFlowServing({"digits": DIGITS}) as server:
        said = found(asked(server.address, inputs=[{"name": "image", "type": "string"}]))

    assert "the inputs image, its server image_bytes" in said
    assert "it is 'other', and there is default" in found(asked("here:1", server={"name": "other"}))
    assert "'default' speaks 'tensorflow'" in found(asked("here:1", format="open-inference"))


def test_signature_that_the_server_has_not_is_refused() -> None:
    """It would be registered, and no worker could ever load it."""
    with FakeTensorFlowServing({"digits": DIGITS}) as server:
        inspection = asked(server.address, server={"signature": "images"})

    assert [each.severity for each in inspection.findings] == ["error"]
    assert "--signature" in found(inspection)


def test_server_that_does_not_answer_is_a_warning() -> None:
    """It may be started later; what is wrong then workers tell."""
    with FakeTensorFlowServing({}) as server:
        unknown = asked(server.address)
    away = asked(server.address)

    for inspection in (unknown, away):
        assert [each.severity for each in inspection.findings] == ["warning"]
        assert inspection.fields == {}
    assert "NOT_FOUND" in found(unknown)
    assert "UNAVAILABLE" in found(away)


def test_server_that_has_it_otherwise_is_an_error() -> None:
    """No worker that asks again would be told anything else."""
    with FakeTensorFlowServing({"digits": DIGITS}) as server:
        inspection = asked(server.address, server={"signature": "jpg"})

    assert [each.severity for each in inspection.findings] == ["error"]
    assert "no signature 'jpg'; it has: serving_default" in found(inspection)
