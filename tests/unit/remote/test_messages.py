"""Messages without the packages that define them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.remote import messages
from penstock.remote.messages import MODEL_SERVICE, OPEN_INFERENCE, PREDICTION_SERVICE, SETS, message, methods

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[3]
PACKAGES = Path(sysconfig.get_path("purelib"))


@pytest.fixture(scope="module")
def descriptors() -> ModuleType:
    """The program that makes the sets."""
    spec = importlib.util.spec_from_file_location("descriptors", ROOT / "scripts" / "descriptors.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("service", "names"),
    [
        (PREDICTION_SERVICE, {"Classify", "Regress", "Predict", "MultiInference", "GetModelMetadata"}),
        (MODEL_SERVICE, {"GetModelStatus", "HandleReloadConfigRequest"}),
        (
            OPEN_INFERENCE,
            {"ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer"}
            | {"RepositoryModelLoad", "RepositoryModelUnload"},
        ),
    ],
)
def test_services_have_their_methods(service: str, names: set[str]) -> None:
    """With path and messages."""
    found = methods(service)

    assert set(found) == names
    for name, method in found.items():
        assert method.path == f"/{service}/{name}"
        assert method.request().SerializeToString() == b""


def test_saved_models_can_be_read() -> None:
    """Their messages are among them, for whoever looks into a folder without TensorFlow."""
    assert message("tensorflow.SavedModel")().SerializeToString() == b""


def test_classes_are_made_once() -> None:
    """Those of two pools do not mix."""
    assert message("tensorflow.serving.PredictRequest") is message("tensorflow.serving.PredictRequest")


def test_tensorflow_is_not_imported() -> None:
    """In a fresh interpreter, whatever is installed: neither it nor the package of its server."""
    program = (
        "import sys\n"
        "from penstock.remote import messages\n"
        "messages.message('tensorflow.serving.PredictRequest')\n"
        "from jobs.service_job import connecting\n"
        "print(sorted({'tensorflow', 'tensorflow_serving', 'kserve', 'pyflink'} & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("file", SETS)
def test_sets_are_what_the_packages_say(file: str, descriptors: ModuleType) -> None:
    """Made anew from the packages, where they are installed, each is byte for byte what lies here."""
    names, packages = descriptors.SETS[file]
    try:
        made = descriptors.collected(names, [PACKAGES])
    except descriptors.MissingError as error:
        pytest.skip(f"needs {packages}, which cannot all be installed beside us: {error}")

    assert made == (Path(messages.__file__).parent / file).read_bytes()


@pytest.mark.parametrize(
    "line", ["D = pool.Default().AddSerializedFile(b'\\n\\x01a')", "D = FileDescriptor(serialized_pb=_b('\\n\\x01a'))"]
)
def test_descriptors_are_read_without_running_them(descriptors: ModuleType, tmp_path: Path, line: str) -> None:
    """The bytes stand in the module as it is written, by today's compiler or by an old one."""
    module = tmp_path / "a_pb2.py"
    module.write_text(f"raise SystemExit\n{line}\n", encoding="utf-8")

    assert descriptors.content(module) == b"\n\x01a"


def test_missing_packages_are_told(descriptors: ModuleType, tmp_path: Path) -> None:
    """Where they were looked for."""
    with pytest.raises(descriptors.MissingError, match=r"a/b_pb2.py is in none of .*" + tmp_path.name):
        descriptors.collected(("a/b.proto",), [tmp_path])
