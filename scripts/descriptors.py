"""Write penstock/remote/*.binpb: what the packages of model servers say of their messages, without their code.

Nothing of the packages is imported: the bytes of each file's descriptor are read out of its ``*_pb2.py``. They are
looked for in the folders that are given, then where this Python's packages are:

    pip download --no-deps kserve==0.21.0 && unzip -d kserve kserve-*.whl
    python scripts/descriptors.py kserve
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from pathlib import Path

from google.protobuf import descriptor_pb2

ROOT = Path(__file__).parent.parent
#: What each set is made of: its files of messages, and the packages that have them.
SETS = {
    "tensorflow_serving.binpb": (
        (
            "tensorflow_serving/apis/prediction_service.proto",
            "tensorflow_serving/apis/model_service.proto",
            "tensorflow/core/protobuf/saved_model.proto",
        ),
        "tensorflow-serving-api 2.20.0 and tensorflow-cpu 2.20.0",
    ),
    "open_inference.binpb": (("kserve/protocol/grpc/grpc_predict_v2.proto",), "kserve 0.21.0"),
}
#: Under a package's folder: TensorFlow has XLA's files beside its compiler.
BESIDE = ("", "tensorflow/compiler")
#: What modules of messages call with their descriptor.
REGISTERS = "AddSerializedFile"
#: protobuf has these itself.
OWN = "google/protobuf/"


class MissingError(Exception):
    """A file of messages lies in none of the folders."""


def content(path: Path) -> bytes:
    """Return the descriptor that a module of messages registers, in the form of today's compiler or of an old one."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == REGISTERS:
            value = ast.literal_eval(node.args[0])
            return bytes(value)
        if isinstance(node, ast.keyword) and node.arg == "serialized_pb" and isinstance(node.value, ast.Call):
            text = ast.literal_eval(node.value.args[0])  # _b('...'): each character is a byte
            return str(text).encode("latin1")
    raise MissingError(f"{path} registers no descriptor: it is of another generation of protobuf's compiler")


def found(name: str, folders: list[Path]) -> Path:
    """Return where the module of a file of messages lies."""
    module = name.replace(".proto", "_pb2.py")
    for folder in folders:
        for beside in BESIDE:
            path = folder / beside / module
            if path.exists():
                return path
    raise MissingError(f"{module} is in none of {', '.join(map(str, folders))}")


def collected(names: tuple[str, ...], folders: list[Path]) -> bytes:
    """Return the set of these files and all that they build on, each after what it builds on."""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    def add(name: str) -> None:
        if name in files or name.startswith(OWN):
            return
        file = descriptor_pb2.FileDescriptorProto.FromString(content(found(name, folders)))
        for dependency in file.dependency:
            add(dependency)
        files[name] = file

    for name in names:
        add(name)
    return descriptor_pb2.FileDescriptorSet(file=files.values()).SerializeToString()


def main() -> None:
    """Write what can be written; say what cannot."""
    folders = [*map(Path, sys.argv[1:]), Path(sysconfig.get_path("purelib"))]
    for file, (names, packages) in SETS.items():
        try:
            made = collected(names, folders)
        except MissingError as error:
            sys.stderr.write(f"{file} stays as it is, it needs {packages}: {error}\n")
            continue
        (ROOT / "penstock" / "remote" / file).write_bytes(made)
        sys.stdout.write(f"{file}: {len(made)} bytes, from {packages}\n")


if __name__ == "__main__":
    main()
