"""Files that somebody sent: checked by their content before they are decoded, kept in memory."""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from zoo.base import digests, interruption, patients
from zoo.base.errors import BadInput
from zoo.base.pictures import images, pixel_arrays, shallow_pictures
from zoo.base.pictures.reader_warnings import silence
from zoo.base.types import Images
from zoo.runs.run_folder import Run
from zoo.web.service.limits import MEGABYTE, Limits, TooLarge

NAME_LENGTH = 120
UNNAMED = "image"


@dataclass(frozen=True, eq=False)
class Upload:
    """A file that was accepted: a name fit to be shown, its bytes and what they say of themselves.

    `digest` identifies the content: 16 hexadecimal digits.
    """

    name: str
    content: bytes
    digest: str


def accept(content: bytes, name: str, limits: Limits) -> Upload:
    """Take a file whose bytes and pixels are within the limits; nothing is decoded.

    Raises:
        TooLarge: more bytes or pixels than allowed.
        BadInput: it is empty.
    """
    shown = display_name(name)
    if not content:
        raise BadInput(f"'{shown}' is empty. Expected an image file: copy or export it again.")
    if len(content) > limits.file_bytes:
        raise TooLarge(
            f"'{shown}' has {len(content) / MEGABYTE:.0f} MB; the limit is "
            f"{limits.file_bytes / MEGABYTE:.0f} MB. Scale it down first."
        )
    if _pixels(content) > limits.pixels:
        raise TooLarge(
            f"'{shown}' has more than {limits.pixels / 1e6:.3g} million pixels, the limit. "
            "Scale it down first."
        )
    return Upload(shown, content, digests.digest_bytes(content))


def as_images(uploads: Sequence[Upload], run: Run) -> Images:
    """Decode uploads for a run; one that cannot be read is an error, none is left out silently.

    Work can be ended before each.

    Raises:
        BadInput: a file is damaged or cut short, or does not fit the depth of the run's data.
    """
    height, width, channels = run.record["input_shape"]
    rule = run.record["data"]["patient_rule"]
    pixels, shapes = [], []
    for upload in uploads:
        interruption.check()
        read, shape = images.read_shaped(
            upload.content, (height, width), upload.name, bits=run.bits
        )
        pixels.append(pixel_arrays.to_channels(read, channels))
        shapes.append(shape)
    return Images(
        pixels=np.stack(pixels),
        names=tuple(upload.name for upload in uploads),
        patients=tuple(
            patients.patient_of(rule, upload.name) if rule in patients.RULES else None
            for upload in uploads
        ),
        digests=tuple(upload.digest for upload in uploads),
        shapes=tuple(shapes),
    )


def display_name(name: str) -> str:
    """Return a file's name without folders, control characters or length that could mislead.

    The beginning of a long name is cut, so that its ending stays to be seen.
    """
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    plain = "".join(c for c in unicodedata.normalize("NFC", last) if _is_shown(c)).strip()
    if len(plain) > NAME_LENGTH:
        plain = "…" + plain[-(NAME_LENGTH - 1) :]
    return plain if plain.strip(". ") else UNNAMED


def _pixels(content: bytes) -> float:
    """Return how many pixels a file says it has; 0 for a kind whose reader has to check."""
    try:
        with silence, Image.open(io.BytesIO(content), formats=shallow_pictures.FORMATS) as image:
            return float(image.width * image.height)
    except Image.DecompressionBombError:
        return math.inf
    except Exception:  # whatever a wrong file does to Pillow, `images.read` says it in a sentence
        return 0.0


def _is_shown(character: str) -> bool:
    """Refuse what is not seen or turns the direction of writing (categories C, Zl, Zp)."""
    category = unicodedata.category(character)
    return category[0] != "C" and category not in ("Zl", "Zp")
