"""The vocabulary that the host, the plugins and the explainers share.

Plain frozen data and one protocol; importing it imports neither numpy nor Keras.
Images are `(batch, height, width, channels)`, values 0 to 255.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np


EMPTY: Mapping[str, Any] = MappingProxyType({})


TRAIN, VALIDATION, TEST = "train", "validation", "test"


SPLITS = (TRAIN, VALIDATION, TEST)


@dataclass(frozen=True)
class Option:
    """One named setting of an architecture or an explainer; its type is that of the default."""

    default: str | int | float | bool
    help: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """An architecture as a plugin declares it: plain metadata and a function that builds it.

    `build(input_shape, num_classes, **options)` imports Keras when called and returns an
    uncompiled, flat functional model: raw pixels 0-255 in, logits out, preprocessing inside.
    Layers that are frozen (`trainable=False`) up to one tensor are a backbone: the trainer
    computes that tensor once per image and trains the head on it.
    """

    name: str
    summary: str
    build: Callable[..., Any]
    parameters: int
    """Weights of the default build with two classes, as `model.count_params()` counts them."""
    multiply_adds: int = 0
    """Of convolutions, dense layers and attention of that build for one image; 0: not said."""
    offline: bool = True
    """Whether the default build needs nothing from the internet, such as weights to download."""
    input_shape: tuple[int, int, int] = (180, 180, 3)
    reference: str = ""
    pretrained: str = ""
    """What the backbone was trained on, such as 'ImageNet'; empty when trained from scratch."""
    options: Mapping[str, Option] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Training settings that differ from the project's defaults (fields of the Recipe)."""
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Settings that differ in the presets 'fast' and 'best': fields of the Recipe, options, and
    `input_shape`. One that is not named here is made of the default (`zoo.training.recipe`)."""
    origin: str = ""
    """The plugin that gave it and its version; the registry fills it in."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled image of a data set, by name; pixels are read when needed."""

    name: str
    label: int
    patient: str
    split: str = ""
    """'train', 'validation', 'test', or empty when the source does not say."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an image file says of itself before it is decoded; sides in pixels, as stored."""

    width: int
    height: int
    mode: str
    """Pillow's name for the kind of pixels, such as 'L' (8-bit gray), 'RGB' or 'I;16'."""
    bytes: int
    """Size of the file."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DeepPicture:
    """Values of more than 8 bits, before it is known which of them is white.

    `values` is `(height, width)` or `(height, width, 3)`, integers or floats from 0, which is
    black (`inverted`: white). Where a format gives `levels`, they are those of the file's own
    measure, which may be negative, and `window` says which are black and white at first.
    """

    values: np.ndarray
    white: float | None = None
    """The value that is white, where the file itself says so."""
    container: float | None = None
    """The largest that the type in which the values are stored can hold, if it is an integer."""
    inverted: bool = False
    window: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """What a file says of how its picture was taken, and nothing of whom it shows.

    The texts are codes, such as 'DX', 'PA' and 'CHEST'; empty where the file says nothing.
    `spacing` is how far two rows and two columns lie apart, in millimetres: in the patient, or
    `at_detector`, which the rays reach enlarged.
    """

    modality: str = ""
    view: str = ""
    body_part: str = ""
    spacing: tuple[float, float] | None = None
    at_detector: bool = False


@dataclass(frozen=True, kw_only=True)
class ImageFormat:
    """A kind of image file beside those that Pillow reads, as a plugin declares it.

    `recognises(head)` tells by the first 512 bytes whether a file is of this kind.
    `read(content, name)` decodes a whole file to `(height, width)` or `(height, width, 3)` uint8,
    or to a DeepPicture where it is not known which of its values is white;
    `header(content, name)` gives width, height, mode and bytes without decoding any pixel: the
    host refuses too large a picture by it, and then never calls `read`. Both raise BadInput, with
    `name` in the sentence, whatever the content is.
    `attributes(beginning)` gives what else such a file says of its image, as a text for each of
    `columns` that it has, by the file's first MiB; None where the kind says nothing.
    `acquisition(beginning)` gives how the picture was taken, by the same bytes, and
    `levels(content, name)` its gray values before any window, for a viewer that changes it: a
    `(height, width)` DeepPicture, or None where there are no more than 8 bits.
    """

    name: str
    summary: str
    extensions: tuple[str, ...]
    """In small letters with the dot, such as '.dcm': what to look for in a folder."""
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes, str], np.ndarray | DeepPicture]
    header: Callable[[bytes, str], Header]
    columns: tuple[str, ...] = ()
    """Names that images can be grouped by, such as 'view'."""
    attributes: Callable[[bytes], Mapping[str, str]] | None = None
    acquisition: Callable[[bytes], Acquisition] | None = None
    levels: Callable[[bytes, str], DeepPicture | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """An index of labelled images and the functions that read one of them.

    `read(sample, size)` returns `(height, width, 3)` uint8, resized to `size = (height, width)`
    or as stored when `size` is None; it raises BadInput when the image cannot be read.
    `digest(sample)` identifies the stored content: 16 hexadecimal digits.
    `mask(sample, size)` returns `(height, width)` bool: where the finding is, when it is known.
    `header(sample)` gives width, height, mode and bytes of the stored file, read without decoding;
    None when images are not files.
    `attributes[column](sample)` is what else the source says of an image, such as its view or the
    patient's age, as text; empty where it says nothing.
    """

    source: str
    class_names: tuple[str, ...]
    samples: tuple[Sample, ...]
    read: Callable[[Sample, tuple[int, int] | None], np.ndarray]
    digest: Callable[[Sample], str]
    mask: Callable[[Sample, tuple[int, int] | None], np.ndarray] | None = None
    header: Callable[[Sample], Header] | None = None
    path: Callable[[Sample], Path] | None = None
    """The file that `read` reads by `read_image`; None when images are no such files."""
    bits: int | None = None
    """Depth at which files are read that hold more than 8 bits a value and do not say how many;
    None when there are none, or it is not settled yet."""
    patient_rule: str = "none"
    subject: str = ""
    """What every image shows, such as 'chest X-ray'; empty when the source does not say."""
    notes: tuple[str, ...] = ()
    """Sentences the user should read before using the data."""
    synthetic: bool = False
    attributes: Mapping[str, Callable[[Sample], str]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Images:
    """Images to be classified or explained, already at the classifier's input size.

    `pixels` is `(batch, height, width, channels)` uint8. `patients[i]` is None when unknown;
    `digests[i]` identifies the content, so that a reference case can be recognised as the query.
    `shapes[i]` is `(height, width)` of the picture as a person sees it, upright and before it was
    squashed: in these proportions it is shown. None, or no shapes at all, where that is unknown.
    """

    pixels: np.ndarray
    names: tuple[str, ...]
    patients: tuple[str | None, ...]
    digests: tuple[str, ...]
    shapes: tuple[tuple[int, int] | None, ...] = ()
