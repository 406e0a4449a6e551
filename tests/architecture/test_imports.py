"""Imports go one way: deployables -> penstock.flink -> the core -> third parties; the core knows no engine."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from penstock.deployables import SCORING, chosen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.architecture.conftest import Module

DEPLOYABLES = tuple(item.module for item in chosen(SCORING))
#: Parts of penstock that stand above its core, and what of our own each may import besides the core and itself.
UPPER = {
    "penstock.flink": (),
    "penstock.local": (),
    "penstock.testing": (),
    "penstock.cli": ("penstock.local",),
}
OUR_OWN = ("penstock", "input_adapter", "output_adapter", "jobs")
#: Modules at the engine's edge: by their role's file name in deployables, by folder in penstock.
EDGE_FILES = {"__main__.py", "pipeline.py", "operators.py"}
#: The PMML engine's own edge: the Java machine inside a worker.
JAVA_EDGE = {f"jobs.pmml_job.{name}" for name in ("engine", "jvm", "mending", "pmml4s", "schema", "singles")}
#: Spark's: the driver, its session, and what crosses to the Java machine beside it.
SPARK_EDGE = {
    f"jobs.spark_job.{name}"
    for name in (
        "bridge",
        "command",
        "compiled",
        "driver",
        "engine",
        "java_errors",
        "prompt",
        "reading",
        "serving",
        "session",
        "streams",
    )
}
#: Who speaks to model servers, and makes arrays for them: only workers of the service job import it, and who
#: asks whether servers answer.
MODEL_SERVER_EDGE = {
    *(f"penstock.remote.{name}" for name in ("channels", "messages", "oip_tensors", "probes", "rest")),
    *(f"penstock.remote.{name}" for name in ("retrying", "tensors")),
    *(
        f"jobs.service_job.{name}"
        for name in ("calling", "connecting", "examples", "oip_grpc", "oip_rest", "tensorflow")
    ),
    *(f"jobs.service_job.{name}" for name in ("answers", "fields", "images", "inputs", "matching", "saved_model")),
    *(f"jobs.service_job.{name}" for name in ("fetching", "http_fetching", "inspection", "loader")),
    "penstock.testing.model_servers",
    "penstock.testing.tensorflow_serving",
}
#: All that the transport to model servers takes of the rest.
REMOTE_USES = ("penstock.remote", "penstock.logs", "penstock.root_error")
KAFKA_EDGE = {"penstock.kafka"}
#: What follows and writes the control topics; whoever imports it wants a Kafka client.
CONTROL_EDGE = {
    f"penstock.control.{name}"
    for name in ("adding", "announcer", "follower", "history", "models", "publisher", "reading", "watching", "worker")
} | {"penstock.serving.worker"}
ENGINES = {"pyflink", "kafka", "pandas", "pyarrow", "py4j", "pypmml", "jpype", "pyspark", "tensorflow", "grpc", "numpy"}
#: Packages that only a few know, each installed for one job alone.
KEPT = {
    "pyspark": ("jobs.spark_job",),
    "py4j": ("jobs.spark_job",),
    "tensorflow": ("penstock.local.model_server.savedmodel",),
    "grpc": (
        "penstock.remote.channels",
        "penstock.local.model_server",
        "penstock.testing.model_servers",
        "penstock.testing.tensorflow_serving",
    ),
    "PIL": ("jobs.service_job.images",),
}
#: What the core may bring along when it is imported; a new name is a new dependency of every worker.
ALLOWED = {
    "annotated_types",
    "dotenv",
    "msgspec",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "typing_extensions",
    "typing_inspection",
    "xxhash",
    "yaml",
}

#: Imports each module in turn; tells the third parties' modules that each one is the first to bring.
PROBE = """
import importlib, json, sys
found = {}
for name in sys.argv[1:]:
    before = set(sys.modules)
    importlib.import_module(name)
    found[name] = sorted({each.partition(".")[0] for each in set(sys.modules) - before})
print(json.dumps(found))
"""


def inside(name: str, packages: Iterable[str]) -> bool:
    """Tell whether a module is one of these or lies in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def is_core(name: str) -> bool:
    """Tell whether a module belongs to penstock's core."""
    return inside(name, ["penstock"]) and not inside(name, UPPER)


def core_modules(modules: Iterable[Module]) -> list[str]:
    """Name the modules that work without engine, broker and Java machine."""
    edges = KAFKA_EDGE | CONTROL_EDGE | JAVA_EDGE | SPARK_EDGE | MODEL_SERVER_EDGE
    return [
        module.name
        for module in modules
        if module.name not in edges
        and (
            is_core(module.name)
            or inside(module.name, ["penstock.testing"])
            or (inside(module.name, DEPLOYABLES) and module.path.name not in EDGE_FILES)
        )
    ]


def test_deployables_never_import_each_other(modules: list[Module]) -> None:
    """What two of them need is in penstock."""
    faults = [
        f"{module.name} imports {name}"
        for module in modules
        for owner in DEPLOYABLES
        if inside(module.name, [owner])
        for name in module.imports
        if inside(name, [other for other in (*DEPLOYABLES, "jobs") if other != owner and not inside(owner, [other])])
        or (inside(name, ["jobs"]) and not inside(name, [owner]))
    ]

    assert faults == []


def test_every_deployable_is_known_here(root: Path) -> None:
    """A new job comes under these rules from its first day."""
    found = {path.parent.relative_to(root).as_posix().replace("/", ".") for path in root.glob("*/pipeline.py")}
    found |= {path.parent.relative_to(root).as_posix().replace("/", ".") for path in root.glob("jobs/*/__main__.py")}

    assert found <= set(DEPLOYABLES)


def test_penstock_never_imports_deployables(modules: list[Module]) -> None:
    """The shared package does not know who shares it."""
    faults = [
        f"{module.name} imports {name}"
        for module in modules
        if inside(module.name, ["penstock"])
        for name in module.imports
        if inside(name, ("input_adapter", "output_adapter", "jobs"))
    ]

    assert faults == []


def test_core_imports_nothing_above_it(modules: list[Module]) -> None:
    """The core knows neither the engine's shell nor the command line nor the embedded stack."""
    faults = [
        f"{module.name} imports {name}"
        for module in modules
        if is_core(module.name)
        for name in module.imports
        if inside(name, UPPER)
    ]

    assert faults == []


def test_upper_parts_of_penstock_keep_to_themselves(modules: list[Module]) -> None:
    """The engine's shell, the embedded stack and the test builders stand side by side; only the commands use others."""
    faults = [
        f"{module.name} imports {name}"
        for module in modules
        for part, friends in UPPER.items()
        if inside(module.name, [part])
        for name in module.imports
        if inside(name, [other for other in UPPER if other != part and other not in friends])
    ]

    assert faults == []


def test_transport_to_model_servers_stands_below_the_rest(modules: list[Module]) -> None:
    """It carries arrays; records, models and the control plane are of those who call it."""
    faults = [
        f"{module.name} imports {name}"
        for module in modules
        if inside(module.name, ["penstock.remote"])
        for name in module.imports
        if inside(name, ["penstock"]) and not inside(name, REMOTE_USES)
    ]

    assert faults == []


def test_deployables_use_the_core_and_the_engine_shell_only(modules: list[Module]) -> None:
    """A job needs no command line and no embedded stack."""
    faults = [
        f"{module.name} imports {name}"
        for module in modules
        if inside(module.name, DEPLOYABLES)
        for name in module.imports
        if inside(name, ("penstock.cli", "penstock.local", "penstock.testing"))
    ]

    assert faults == []


def test_pyflink_stays_at_its_edge(modules: list[Module]) -> None:
    """Only penstock.flink and the deployables' pipelines and operators know PyFlink, pandas and Arrow."""
    faults = [
        f"{module.name} imports {name}"
        for module in modules
        if not inside(module.name, ["penstock.flink"]) and module.path.name not in EDGE_FILES
        for name in module.imports
        if inside(name, ("pyflink", "pandas", "pyarrow"))
    ]

    assert faults == []


@pytest.mark.parametrize("package", KEPT)
def test_engines_stay_where_they_belong(modules: list[Module], package: str) -> None:
    """Each is installed only where its job is; whoever else imports it breaks for all the others."""
    faults = [
        f"{module.name} imports {name}"
        for module in modules
        if not inside(module.name, KEPT[package])
        for name in module.imports
        if inside(name, [package])
    ]

    assert faults == []


def test_kafka_clients_are_made_in_one_place(modules: list[Module]) -> None:
    """Everybody else asks penstock.kafka, which knows security settings and what a missing broker looks like."""
    clients = {"kafka.KafkaAdminClient", "kafka.KafkaConsumer", "kafka.KafkaProducer"}
    makers = {
        module.name
        for module in modules
        for client in clients
        if client in module.imports and f"{client.partition('.')[2]}(" in module.text
    }

    assert makers == KAFKA_EDGE


def test_environment_is_read_in_known_places(modules: list[Module]) -> None:
    """Settings come from penstock.settings; others only hand the environment on to processes that they start."""
    readers = {module.name for module in modules if "os.environ" in module.text or "os.getenv" in module.text}

    assert {name for name in readers if not inside(name, ["penstock.local"])} <= {
        "penstock.settings",
        "penstock.flink.environment",  # sets the variable with which PyFlink is told how to run functions
        "jobs.spark_job.session",  # takes out what would change Spark behind the settings' back
    }


def test_second_pmml_engine_judges_in_tests_only(modules: list[Module]) -> None:
    """JPMML is under the AGPL: nothing that ships calls it."""
    assert [module.name for module in modules if "org.jpmml" in module.text] == []


@pytest.mark.parametrize("start", ["penstock", "input_adapter", "output_adapter", "jobs"])
def test_pure_modules_bring_no_engine(modules: list[Module], root: Path, start: str) -> None:
    """In a fresh interpreter: routing, rendering, scoring and all of the core load without Flink, Kafka or pandas."""
    names = [name for name in core_modules(modules) if inside(name, [start])]
    assert names

    answer = subprocess.run(
        [sys.executable, "-c", PROBE, *names], cwd=root, capture_output=True, text=True, timeout=240, check=False
    )

    assert answer.returncode == 0, answer.stderr
    found: dict[str, list[str]] = json.loads(answer.stdout)
    strangers = {
        f"{name} brings {module}"
        for name, brought in found.items()
        for module in brought
        if module not in ALLOWED
        and module not in sys.stdlib_module_names
        and not inside(module, OUR_OWN)
        # What compiled extensions register, and what Python itself was configured with.
        and not module.startswith(("_cython_", "cython_runtime", "_sysconfigdata"))
    }
    assert strangers == set()
    assert not ALLOWED & ENGINES
