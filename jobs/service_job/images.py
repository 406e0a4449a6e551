"""Images: from the bytes of a JPEG or PNG to the numbers that a model wants."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from penstock.errors import InputError

if TYPE_CHECKING:
    from penstock.models.descriptor import ImageDescriptor

__all__ = ["ImageReader", "shape_of"]

#: What is decoded at all: each format more is a decoder more that strangers' bytes get into.
_FORMATS = ("JPEG", "PNG")
#: Pillow's modes of 16 bits a pixel, which it would cut off at 255 instead of scaling them.
_DEEP = frozenset({"I", "I;16", "I;16B", "I;16L"})
_MOST_SHOWN = 200
# Ours is a bound for each image, checked before it is decoded; Pillow's is for the process, and mostly a warning.
Image.MAX_IMAGE_PIXELS = None


def shape_of(image: ImageDescriptor) -> tuple[int, ...]:
    """The shape of one image's numbers: height, width, channels, or with the channels first."""
    channels = 1 if image.mode == "L" else 3
    if image.layout == "chw":
        return channels, image.height, image.width
    return image.height, image.width, channels


class ImageReader:
    """Decodes and scales the images of one input. Pure, and safe to use from several threads."""

    def __init__(self, image: ImageDescriptor, dtype: np.dtype[Any], most_pixels: int) -> None:
        """Prepare.

        Args:
            image: what the model wants.
            dtype: of the numbers.
            most_pixels: a larger image is refused before it is decoded, however few bytes it has.
        """
        self._image = image
        self._size = (image.width, image.height)
        self._dtype = dtype
        self._most_pixels = most_pixels

    def read(self, data: bytes) -> np.ndarray[Any, Any]:
        """Return the image's numbers, of `shape_of`. Raises `InputError`."""
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                self._refuse_large(picture)
                pixels = np.asarray(self._scaled(picture))
        except InputError:
            raise
        except UnidentifiedImageError as error:
            raise InputError(f"expected an image, JPEG or PNG, got {_beginning(data)}") from error
        except Exception as error:  # decoders raise whatever they stumble over
            detail = " ".join(str(error).split())[:_MOST_SHOWN]
            raise InputError(f"the image cannot be decoded: {type(error).__name__}: {detail}") from error
        if pixels.ndim == 2:  # noqa: PLR2004 (rows and columns: grey has no channels)
            pixels = pixels[:, :, np.newaxis]
        if self._image.layout == "chw":
            pixels = pixels.transpose(2, 0, 1)
        return (pixels / self._image.scale).astype(self._dtype)

    def _refuse_large(self, picture: Image.Image) -> None:
        pixels = picture.width * picture.height
        if pixels > self._most_pixels:
            raise InputError(
                f"the image has {picture.width} x {picture.height} pixels, at most {self._most_pixels} are decoded"
                " (service.image_pixels); make it smaller, or raise the setting"
            )

    def _scaled(self, picture: Image.Image) -> Image.Image:
        picture.draft(self._image.mode, self._size)  # a large JPEG is decoded small at once; others take no notice
        if picture.mode in _DEEP:
            picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
        if "transparency" in picture.info:  # of a palette or of one colour: by this way the colours stay
            picture = picture.convert("RGBA")
        found = picture.convert(self._image.mode)
        if found.size != self._size:
            found = found.resize(self._size, Image.Resampling.BILINEAR)
        return found


def _beginning(data: bytes) -> str:
    return f"{len(data)} bytes that begin with {data[:8]!r}" if data else "no bytes"
