"""Images become numbers, and what is none, or too large, becomes an error of its own."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jobs.service_job.images import ImageReader, shape_of
from penstock.errors import InputError
from penstock.models.descriptor import ImageDescriptor

GREY = ImageDescriptor(width=4, height=2, mode="L")
COLOUR = ImageDescriptor(width=4, height=2, mode="RGB")


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """An image's bytes."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def reader(image: ImageDescriptor, dtype: str = "f4", most_pixels: int = 10_000) -> ImageReader:
    """One with a small bound."""
    return ImageReader(image, np.dtype(dtype), most_pixels)


def ramp() -> Image.Image:
    """Eight values of grey, in rows of four."""
    return Image.fromarray(np.arange(0, 256, 36, dtype=np.uint8).reshape(2, 4))


def test_grey_is_scaled_to_a_channel() -> None:
    """Rows, columns, one channel; values from 0 to 1."""
    found = reader(GREY).read(encoded(ramp()))

    assert found.shape == shape_of(GREY) == (2, 4, 1)
    assert found.dtype == np.float32
    assert found[:, :, 0].tolist() == (np.arange(0, 256, 36).reshape(2, 4) / 255).astype("f4").tolist()


def test_channels_may_come_first() -> None:
    """As models that were made elsewhere want them."""
    image = ImageDescriptor(width=4, height=2, mode="RGB", layout="chw", scale=1)
    found = reader(image, "u1").read(encoded(Image.new("RGB", (4, 2), (10, 20, 30))))

    assert found.shape == shape_of(image) == (3, 2, 4)
    assert found[:, 0, 0].tolist() == [10, 20, 30]
    assert found.dtype == np.uint8


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_modes_are_converted(mode: str) -> None:
    """White is white, however it is written."""
    found = reader(COLOUR).read(encoded(Image.new("RGBA", (4, 2), "white").convert(mode)))

    assert found.shape == (2, 4, 3)
    assert found.min() == 1.0


def test_deep_grey_is_scaled_not_cut() -> None:
    """A PNG of 16 bits a pixel has other whites."""
    deep = Image.fromarray(np.full((2, 4), 0x8000, dtype=np.uint16))
    found = reader(GREY).read(encoded(deep))

    assert found.max() == pytest.approx(0x80 / 255)


def test_jpeg_is_scaled_to_the_size() -> None:
    """Whatever size it came in."""
    found = reader(COLOUR).read(encoded(Image.new("RGB", (64, 48), (200, 100, 50)), "JPEG"))

    assert found.shape == (2, 4, 3)
    assert found[0, 0].tolist() == pytest.approx([200 / 255, 100 / 255, 50 / 255], abs=0.02)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "JPEG or PNG, got no bytes"),
        (b"no image at all", "JPEG or PNG, got 15 bytes"),
        (encoded(Image.new("RGB", (4, 2)), "GIF"), "JPEG or PNG, got"),
        (encoded(Image.new("RGB", (40, 20)))[:60], "cannot be decoded|JPEG or PNG"),
    ],
)
def test_what_is_no_image_is_refused(data: bytes, said: str) -> None:
    """Other formats too: each is a decoder more."""
    with pytest.raises(InputError, match=said):
        reader(GREY).read(data)


def test_large_image_is_refused_before_it_is_decoded() -> None:
    """A few bytes can be a gigabyte of pixels: the header says so."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )

    with pytest.raises(InputError, match=r"100000 x 100000 pixels, at most 10000 .*service.image_pixels"):
        reader(GREY).read(bomb)
