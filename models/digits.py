"""Train the sample image classifier from scikit-learn's handwritten digits and write it as a SavedModel.

    python models/digits.py [--out FOLDER]

A network of scikit-learn's learns from four fifths of the 1,797 images of 8 x 8 pixels; its weights become a SavedModel
with two signatures: `serving_default` takes pixels, `png` takes the bytes of PNG files and decodes them itself. The
last fifth are the demo's events, as PNG, and the golden answers: scikit-learn's own for what the PNGs hold. Seeds are
fixed: on one machine every run gives the same files, byte for byte.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import yaml
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from penstock.models.pack import packed

MODELS = Path(__file__).parent
DEMO_EVENTS = MODELS.parent / "penstock" / "demo_events"
SEED = 20240601
SIDE = 8
BRIGHTEST = 16  # of scikit-learn's images
WHITE = 255
HIDDEN = 64
#: One of so many is kept from training.
FIFTH = 5


class Digits(tf.Module):
    """A trained network of scikit-learn's with TensorFlow's own operations."""

    def __init__(self, network: MLPClassifier) -> None:
        super().__init__()
        self.weights = [tf.Variable(each.astype("float32")) for each in network.coefs_]
        self.biases = [tf.Variable(each.astype("float32")) for each in network.intercepts_]

    @tf.function(input_signature=[tf.TensorSpec([None, SIDE, SIDE, 1], tf.float32, name="image")])
    def of_pixels(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Label and scores of images whose pixels are from 0, black, to 1."""
        hidden = tf.nn.relu(tf.reshape(image, [-1, SIDE * SIDE]) @ self.weights[0] + self.biases[0])
        scores = tf.nn.softmax(hidden @ self.weights[1] + self.biases[1])
        return {"label": tf.argmax(scores, 1), "scores": scores}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def of_files(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Label and scores of PNG files."""
        return self.of_pixels(tf.map_fn(_pixels, image_bytes, fn_output_signature=tf.float32))


def _pixels(file: tf.Tensor) -> tf.Tensor:
    grey = tf.cast(tf.io.decode_png(file, channels=1), tf.float32) / WHITE
    return tf.ensure_shape(grey, [SIDE, SIDE, 1])


def shades(images: Any) -> Any:
    """Return scikit-learn's images in the whole numbers that a PNG holds."""
    return (images * WHITE / BRIGHTEST).round().astype("uint8")


def png(shade: Any) -> bytes:
    """Return one image as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(shade.reshape(SIDE, SIDE)).save(file, "PNG")
    return file.getvalue()


def trained() -> tuple[MLPClassifier, Any, Any]:
    """Return the network, and the images with their digits that it has not seen."""
    images, digits = load_digits(return_X_y=True)
    kept = np.arange(len(images)) % FIFTH == 0
    network = MLPClassifier((HIDDEN,), random_state=SEED, max_iter=60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it could learn on: not for the few digits of a sample
        network.fit(images[~kept] / BRIGHTEST, digits[~kept])
    return network, images[kept], digits[kept]


def archive(network: MLPClassifier) -> bytes:
    """Return the SavedModel, packed, without what differs from run to run."""
    module = Digits(network)
    with tempfile.TemporaryDirectory() as folder:
        signatures = {"serving_default": module.of_pixels, "png": module.of_files}
        tf.saved_model.save(module, folder, signatures=signatures)
        Path(folder, "fingerprint.pb").unlink()  # holds a number drawn by chance
        return packed(Path(folder))


def descriptor(model: bytes, sample: bytes) -> str:
    """The descriptor as YAML, in the order that a reader wants."""
    return yaml.safe_dump(
        {
            "name": "image-classifier",
            "version": 1,
            "description": "Handwritten digits of 8 x 8 pixels: a network with one hidden layer of 64",
            "job": "service",
            "format": "saved-model",
            "uri": "model.zip",
            "sha256": hashlib.sha256(model).hexdigest(),
            "server": {"signature": "png"},
            "inputs": [{"name": "image_bytes", "type": "string", "shape": [-1]}],
            "outputs": [
                {"name": "label", "type": "int64", "shape": [-1]},
                {"name": "scores", "type": "float", "shape": [-1, 10]},
            ],
            "prediction": "label",
            "sample": {"image_bytes": {"b64": base64.b64encode(sample).decode("ascii")}},
        },
        sort_keys=False,
        width=400,
    )


def main() -> None:
    """Write the model, its descriptor and golden answers, and the demo's events."""
    parser = argparse.ArgumentParser(description="Train the sample image classifier and write it as a SavedModel.")
    parser.add_argument("--out", type=Path, help="folder to write all of it to, instead of their own places")
    out: Path | None = parser.parse_args().out
    folder = out or MODELS / "image-classifier" / "1"
    folder.mkdir(parents=True, exist_ok=True)
    network, images, digits = trained()
    shaded = shades(images)
    files = [base64.b64encode(png(each)).decode("ascii") for each in shaded]
    answers = network.predict_proba(shaded / WHITE)
    golden = [
        {
            "input": {"image_bytes": {"b64": file}},
            "outputs": {"label": int(scores.argmax()), "scores": [float(each) for each in scores]},
            "digit": int(digit),
        }
        for file, scores, digit in zip(files, answers, digits, strict=True)
    ]
    events = [{"png": file, "digit": int(digit)} for file, digit in zip(files, digits, strict=True)]
    model = archive(network)
    (folder / "model.zip").write_bytes(model)
    (folder / "descriptor.yaml").write_text(descriptor(model, png(shaded[0])), encoding="utf-8")
    _write_lines(folder / "golden.jsonl", golden)
    _write_lines((out or DEMO_EVENTS) / "images.jsonl", events)
    print(f"accuracy on the {len(digits)} that were kept: {(answers.argmax(1) == digits).mean():.4f}")


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
