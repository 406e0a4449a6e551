"""The messages and methods of TensorFlow Serving and of the Open Inference Protocol, without the packages of either.

The package ``tensorflow-serving-api`` is the contract, but importing it imports TensorFlow. So its descriptors lie here
as data, made by ``scripts/descriptors.py``, and classes are made of them in a pool of our own, which leaves alone a
TensorFlow in the same process (docs/adr/0017).
"""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, struct_pb2, wrappers_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool

__all__ = ["MODEL_SERVICE", "OPEN_INFERENCE", "PREDICTION_SERVICE", "SETS", "Method", "message", "methods"]

SETS = ("tensorflow_serving.binpb", "open_inference.binpb")
"""The descriptor sets beside this module."""
PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
OPEN_INFERENCE = "inference.GRPCInferenceService"

#: What the sets build on; protobuf has these itself.
_OWN = (any_pb2, struct_pb2, wrappers_pb2)
_lock = threading.Lock()


class Method(NamedTuple):
    """A method of a service, as channels and servers want it."""

    path: str
    """As ``/tensorflow.serving.PredictionService/Predict``."""
    request: type[Any]
    response: type[Any]


def message(name: str) -> type[Any]:
    """Return the class of a message by its full name: ``tensorflow.serving.PredictRequest``."""
    return _loaded().classes[name]


def methods(service: str) -> dict[str, Method]:
    """Return the methods of a service by their names."""
    loaded = _loaded()
    return {
        method.name: Method(
            f"/{service}/{method.name}",
            loaded.classes[method.input_type.full_name],
            loaded.classes[method.output_type.full_name],
        )
        for method in loaded.pool.FindServiceByName(service).methods
    }


class _Loaded(NamedTuple):
    pool: DescriptorPool
    classes: dict[str, type[Any]]


def _loaded() -> _Loaded:
    with _lock:  # classes of two pools do not mix
        return _load()


@lru_cache(maxsize=1)
def _load() -> _Loaded:
    """Read the sets: 0.04 s, 16 MB."""
    pool = descriptor_pool.DescriptorPool()
    for module in _OWN:
        pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    names = []
    for each in SETS:
        content = files(__package__).joinpath(each).read_bytes()
        for file in descriptor_pb2.FileDescriptorSet.FromString(content).file:
            pool.AddSerializedFile(file.SerializeToString())
            names.append(file.name)
    return _Loaded(pool, message_factory.GetMessageClassesForFiles(names, pool))
