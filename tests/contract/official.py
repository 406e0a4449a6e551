"""Makes calls with the stubs of the package tensorflow-serving-api: ``python -m tests.contract.official ADDRESS``.

A program of its own, for the package imports TensorFlow. Reads calls and writes answers, a line of JSON each. Requests
and responses go through the package's own classes, and tensors of responses through TensorFlow's own reading.
"""

from __future__ import annotations

import base64
import json
import sys
import warnings
from typing import Any


def main(address: str) -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    channel = grpc.insecure_channel(address)
    stubs = {
        "PredictionService": prediction_service_pb2_grpc.PredictionServiceStub(channel),
        "ModelService": model_service_pb2_grpc.ModelServiceStub(channel),
    }
    _say("ready")
    for line in sys.stdin:
        asked = json.loads(line)
        method = getattr(stubs[asked["service"]], asked["method"])
        request = _request(asked["service"], asked["method"]).FromString(base64.b64decode(asked["request"]))
        try:
            response = method(request, timeout=asked["timeout"])
        except grpc.RpcError as error:
            answer: dict[str, Any] = {"code": error.code().name, "details": error.details()}
        else:
            if asked["method"] == "Predict":
                for tensor in response.outputs.values():
                    tf.make_ndarray(tensor)
            answer = {"code": "OK", "response": base64.b64encode(response.SerializeToString()).decode("ascii")}
        _say(json.dumps(answer))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _request(service: str, method: str) -> Any:
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        inference_pb2,
        model_management_pb2,
        predict_pb2,
        regression_pb2,
    )

    return {
        "Predict": predict_pb2.PredictRequest,
        "Classify": classification_pb2.ClassificationRequest,
        "Regress": regression_pb2.RegressionRequest,
        "MultiInference": inference_pb2.MultiInferenceRequest,
        "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
        "GetModelStatus": get_model_status_pb2.GetModelStatusRequest,
        "HandleReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
    }[method]


if __name__ == "__main__":
    main(sys.argv[1])
