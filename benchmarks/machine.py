"""What the figures were measured on: the machine, the versions of everything that matters, the settings that do."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from penstock.local import versions

if TYPE_CHECKING:
    from penstock.settings import Settings

__all__ = ["describe"]

_GIB = 1024**3
_PACKAGES = (
    "apache-flink",
    "confluent-kafka",
    "jpype1",
    "msgspec",
    "numpy",
    "orjson",
    "pandas",
    "pyarrow",
    "pypmml",
    "scikit-learn",
)


def describe(settings: Settings) -> dict[str, Any]:
    """Return plain data; nothing in it tells whose machine it is."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / _GIB, 1),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load_at_start": round(os.getloadavg()[0], 1),
        "commit": _commit(settings.project_dir),
        "versions": _versions(settings),
        "settings": {
            "flink.parallelism": settings.flink.parallelism,
            "flink.bundle_time_ms": settings.flink.bundle_time_ms,
            "flink.bundle_size": settings.flink.bundle_size,
            "flink.arrow_batch_size": settings.flink.arrow_batch_size,
            "flink.compression": settings.flink.compression,
            "flink.output_compression": settings.flink.output_compression,
            "flink.linger_ms": settings.flink.linger_ms,
            "flink.delivery_guarantee": settings.flink.delivery_guarantee.value,
            "flink.checkpoint_interval_ms": settings.flink.checkpoint_interval_ms,
            "topics.partitions": settings.topics.partitions,
        },
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _commit(project_dir: Path) -> str:
    """Return the checkout's commit, with a mark if it was changed since."""
    command = ["git", "-C", str(project_dir), "describe", "--always", "--dirty", "--exclude", "*"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def _versions(settings: Settings) -> dict[str, str]:
    java = versions.found(versions.JAVA)
    kafka = sorted((settings.local.jars_dir / "kafka").glob("kafka-clients-*.jar"))
    connector = sorted((settings.local.jars_dir / "flink").glob("flink-sql-connector-kafka-*.jar"))
    found = {
        "Python": platform.python_version(),
        "Java": ".".join(map(str, java or ())) or "unknown",
        "Kafka": kafka[0].stem.removeprefix("kafka-clients-") if kafka else "unknown",
        "connector": connector[0].stem.removeprefix("flink-sql-connector-kafka-") if connector else "unknown",
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
