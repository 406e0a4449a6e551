"""The Java machine in a worker: one for each process, and none that keeps the process from ending."""

import os
import subprocess
import sys
from pathlib import Path

from jobs.pmml_job import engine, jvm
from jobs.pmml_job.engine import Engine
from tests.patience import SOON_S

ROOT = Path(__file__).parents[2]

WORKER = """
import threading
from pathlib import Path
from jobs.pmml_job import engine

def work():
    model = engine.start(64)(Path("models/iris-tree/1/model.pmml"), "iris-tree:1")
    print(model.score([(5.1, 3.5, 1.4, 0.2)])[0][-1])
    scored.set()
    threading.Event().wait()

scored = threading.Event()
threading.Thread(target=work, daemon=True).start()
scored.wait()
"""

NO_JAVA = """
import jpype
from jobs.pmml_job import jvm
from penstock.errors import PrerequisiteError

def start_nothing(*options, **more):
    raise jpype.JVMNotFoundException("no libjvm.so")

jpype.startJVM = start_nothing
try:
    jvm.start(jvm.java_options(64))
except PrerequisiteError as error:
    print(error)
"""


def test_heap_is_what_the_caller_says() -> None:
    """The heap is the only size that matters; the rest of the options keep Java out of the way."""
    assert "-Xmx96m" in jvm.java_options(96)


def test_starting_twice_is_harmless(pmml_engine: Engine) -> None:
    """A process has one Java machine; whoever starts it again gets the one that runs."""
    path = ROOT / "models" / "iris-tree" / "1" / "model.pmml"
    row = (5.1, 3.5, 1.4, 0.2)
    assert engine.start(64)(path, "iris-tree:1").score([row]) == pmml_engine(path, "iris-tree:1").score([row])


def test_process_ends_though_a_thread_started_java() -> None:
    """A worker starts Java in a thread that never ends; the process must end all the same, and quietly."""
    done = _run(WORKER)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")


def test_java_that_is_not_there() -> None:
    """Without a Java the message says what to install."""
    done = _run(NO_JAVA)
    assert done.stdout == (
        "this machine has 1 fault:\n- no Java that can be started (no libjvm.so); install a JDK 17 and set JAVA_HOME\n"
    )


def _run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own, because a process can have Java only once."""
    command = [sys.executable, "-c", program]
    # Java tells of options that come to it in this way, on its standard error.
    environment = {name: value for name, value in os.environ.items() if name != "JAVA_TOOL_OPTIONS"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SOON_S, check=False
    )
