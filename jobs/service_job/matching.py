"""What a descriptor says of a model and what its server says, made one: how requests are read, and answers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from jobs.service_job.answers import BEST_CLASS, MODEL_VERSION, AnswerReader, Output
from jobs.service_job.client import TensorSpec
from jobs.service_job.fields import NUMBERS, TEXT, ImageField, NumberField, TextField
from jobs.service_job.inputs import RequestReader
from penstock.errors import InputError, ModelLoadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobs.service_job.client import Signature
    from jobs.service_job.fields import InputField
    from penstock.models.descriptor import FieldDescriptor, ImageDescriptor, ModelDescriptor

__all__ = ["Matched", "match"]

#: What the methods of TensorFlow Serving answer that have forms of their own.
_ANSWERS = {
    "classify": {"classes": TensorSpec(TEXT, (-1, -1)), "scores": TensorSpec("float", (-1, -1))},
    "regress": {"value": TensorSpec("float", (-1,))},
}
#: Types of an Example's features: it knows only the widest of each kind.
_FEATURES = frozenset({TEXT, "float", "double", "int32", "int64", "bool"})


class Matched(NamedTuple):
    """How one model is asked."""

    reader: RequestReader
    answers: AnswerReader
    primary: int
    """Which of the answers' outputs is the prediction."""


def match(descriptor: ModelDescriptor, signature: Signature, image_pixels: int) -> Matched:
    """Compare, and take from the server what the descriptor leaves open.

    Args:
        descriptor: may say less than the server, and nothing else.
        signature: the server's word.
        image_pixels: most pixels of an image that is decoded.

    Raises `ModelLoadError`.
    """
    answers = _answers(descriptor, signature)
    return Matched(_reader(descriptor, signature, image_pixels), answers, _primary(descriptor, answers.names))


def _reader(descriptor: ModelDescriptor, signature: Signature, image_pixels: int) -> RequestReader:
    ref = str(descriptor.ref)
    method = descriptor.on_server.method
    described = {field.name: field for field in descriptor.inputs}
    specs = signature.inputs if method == "predict" else _features(descriptor, method)
    if described and described.keys() != specs.keys():
        raise ModelLoadError(
            ref,
            f"its descriptor has the inputs {_listed(described)}, its server {_listed(specs)}; correct the descriptor",
        )
    if not specs:
        raise ModelLoadError(ref, "its signature takes no input; name another: server.signature")
    fields = [_field(ref, name, specs[name], described.get(name), image_pixels) for name in described or sorted(specs)]
    missing = {field.name: field.missing for field in descriptor.inputs if field.missing is not None}
    for field in descriptor.inputs:
        if field.required is False and field.missing is None:
            raise ModelLoadError(
                ref, f"its input {field.name!r} is not required, but nothing stands in for it; give it a 'missing'"
            )
    try:
        return RequestReader(fields, missing)
    except InputError as error:
        raise ModelLoadError(ref, str(error)) from error


def _features(descriptor: ModelDescriptor, method: str) -> dict[str, TensorSpec]:
    """What Examples are made of stands in no signature: there it is one input, of Examples as bytes."""
    ref = str(descriptor.ref)
    if not descriptor.inputs:
        raise ModelLoadError(
            ref, f"method {method!r} takes features, which its server does not tell; list its 'inputs'"
        )
    for field in descriptor.inputs:
        if field.type not in _FEATURES:
            known = ", ".join(sorted(_FEATURES))
            raise ModelLoadError(ref, f"its feature {field.name!r} has type {field.type!r}, expected one of {known}")
    return {field.name: TensorSpec(field.type, field.shape or (-1,)) for field in descriptor.inputs}


def _field(ref: str, name: str, spec: TensorSpec, described: FieldDescriptor | None, image_pixels: int) -> InputField:
    what = f"its input {name!r}"
    shape = _shape(ref, what, spec, described)
    if not shape or shape[0] != -1:
        raise ModelLoadError(
            ref, f"{what} has shape {list(shape)}, expected -1 first, for a batch of any size; export the model so"
        )
    row = shape[1:]
    image = None if described is None else described.image
    if image is not None:
        return _image_field(ref, name, TensorSpec(spec.dtype, row), image, image_pixels)
    if spec.dtype == TEXT:
        return TextField(name, row)
    if spec.dtype in NUMBERS:
        return NumberField(name, spec.dtype, row)
    known = ", ".join([TEXT, *NUMBERS])
    raise ModelLoadError(
        ref, f"{what} has type {spec.dtype or 'unknown'!r}, which requests cannot have; known: {known}"
    )


def _image_field(ref: str, name: str, row: TensorSpec, image: ImageDescriptor, image_pixels: int) -> ImageField:
    from jobs.service_job.images import ImageReader, shape_of  # Pillow is for those who have images

    made = shape_of(image)
    if row.dtype not in NUMBERS or row.dtype == "bool":
        raise ModelLoadError(ref, f"its input {name!r} is an image of {row.dtype!r}, expected numbers; remove 'image'")
    if row.shape is None or not _agree(row.shape, made):
        raise ModelLoadError(
            ref, f"its input {name!r} has the shape {list(row.shape or ())} for each row, its image {list(made)}"
        )
    dtype = NUMBERS[row.dtype]
    return ImageField(name, ImageReader(image, dtype, image_pixels), math.prod(made) * dtype.itemsize)


def _shape(ref: str, what: str, spec: TensorSpec, described: FieldDescriptor | None) -> tuple[int, ...]:
    """The shape on which both agree; where one leaves a size open, the other's."""
    if described is not None and described.type != spec.dtype:
        raise ModelLoadError(
            ref, f"{what} is {described.type!r} in its descriptor, {spec.dtype!r} at its server; correct the descriptor"
        )
    said = None if described is None else described.shape
    if spec.shape is None:
        if said is None:
            raise ModelLoadError(ref, f"{what} may have any shape, says its server; give its 'shape' in the descriptor")
        return said
    if said is None:
        return spec.shape
    if not _agree(said, spec.shape):
        raise ModelLoadError(
            ref, f"{what} has the shape {list(said)} in its descriptor, {list(spec.shape)} at its server"
        )
    return tuple(max(pair) for pair in zip(said, spec.shape, strict=True))


def _agree(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return len(one) == len(other) and all(-1 in pair or pair[0] == pair[1] for pair in zip(one, other, strict=True))


def _answers(descriptor: ModelDescriptor, signature: Signature) -> AnswerReader:
    ref, server = str(descriptor.ref), descriptor.on_server
    specs: Mapping[str, TensorSpec] = _ANSWERS.get(server.method, signature.outputs)
    described = {field.name: field for field in descriptor.outputs if field.name not in (BEST_CLASS, MODEL_VERSION)}
    strangers = described.keys() - specs.keys()
    if strangers:
        raise ModelLoadError(
            ref,
            f"its descriptor has the outputs {_listed(described)}, its server {_listed(specs)}; correct the descriptor",
        )
    outputs = []
    for name in described or sorted(specs):
        spec = specs[name]
        if name in described:
            said = described[name]
            known = spec if spec.shape is not None else TensorSpec(spec.dtype, said.shape or (-1,))
            _shape(ref, f"its output {name!r}", known, said)
        outputs.append(Output(name, spec.shape is None or (bool(spec.shape) and spec.shape[0] == -1)))
    if not outputs:
        raise ModelLoadError(ref, "its signature gives no output; name another: server.signature")
    return AnswerReader(outputs, classified=server.method == "classify", versioned=server.label is not None)


def _primary(descriptor: ModelDescriptor, names: tuple[str, ...]) -> int:
    ref = str(descriptor.ref)
    if descriptor.prediction is not None:
        if descriptor.prediction not in names:
            known = ", ".join(names)
            raise ModelLoadError(ref, f"its prediction is to be output {descriptor.prediction!r}; its outputs: {known}")
        return names.index(descriptor.prediction)
    if names[0] == BEST_CLASS or len([name for name in names if name != MODEL_VERSION]) == 1:
        return 0
    raise ModelLoadError(ref, f"it has several outputs: set 'prediction' to one of {', '.join(names)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "(none)"
