"""Models whose answer tells which they are, files that are none, and a server that takes its time."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["answer", "broken", "descriptor", "regression", "slow_server", "unsupported"]

#: By how much the answers of two models lie apart; no model has as many versions.
_APART = 1000
_PMML = """<?xml version="1.0" encoding="UTF-8"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
  <Header/>
  <DataDictionary>
    <DataField name="x" optype="continuous" dataType="double"/>
    <DataField name="y" optype="continuous" dataType="double"/>
  </DataDictionary>
  {model}
</PMML>
"""
_FIELDS = '<MiningSchema><MiningField name="x"/><MiningField name="y" usageType="target"/></MiningSchema>'
_REGRESSION = """<RegressionModel functionName="regression">
    {fields}
    <Output><OutputField name="y" feature="predictedValue" dataType="double" optype="continuous"/></Output>
    <RegressionTable intercept="{intercept}"><NumericPredictor name="x" coefficient="1"/></RegressionTable>
  </RegressionModel>"""
_BASELINE = """<BaselineModel functionName="regression">
    {fields}
    <TestDistributions field="x" testStatistic="zValue">
      <Baseline><GaussianDistribution mean="0" variance="1"/></Baseline>
    </TestDistributions>
  </BaselineModel>"""


def answer(number: int, version: int) -> float:
    """What a version of a model answers to x = 0; to any other it answers x more."""
    return float(_APART * number + version)


def regression(number: int, version: int) -> bytes:
    """The file of a version of a model."""
    model = _REGRESSION.format(fields=_FIELDS, intercept=answer(number, version))
    return _PMML.format(model=model).encode()


def unsupported() -> bytes:
    """A good file of a sort of model that the engine has no way to score."""
    return _PMML.format(model=_BASELINE.format(fields=_FIELDS)).encode()


def broken(number: int, version: int) -> bytes:
    """The first half of a file."""
    whole = regression(number, version)
    return whole[: len(whole) // 2]


def descriptor(name: str, version: int, uri: str, data: bytes) -> dict[str, Any]:
    """What is registered of a file, as its descriptor's plain data."""
    return {
        "name": name,
        "version": version,
        "job": "pmml",
        "format": "pmml",
        "uri": uri,
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "inputs": [{"name": "x", "type": "double"}],
        "outputs": [{"name": "y", "type": "double"}],
        "prediction": "y",
        "sample": {"x": 0.0},
    }


@contextmanager
def slow_server(folder: Path, seconds: float) -> Iterator[str]:
    """Serve the files of a folder over HTTP, each answer so late; yields the address."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, *, whole: bool) -> None:
            file = folder / self.path.strip("/")
            if not file.is_file():
                self.send_error(404)
                return
            if whole:
                over.wait(seconds)
            data = file.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if whole:
                self.wfile.write(data)

        def do_GET(self) -> None:
            self._answer(whole=True)

        def do_HEAD(self) -> None:
            self._answer(whole=False)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()
