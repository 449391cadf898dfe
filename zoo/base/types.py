"""The vocabulary that the host, the plugins and the explainers share.

Plain frozen data and one protocol; importing it imports neither numpy nor Keras.
Images are `(batch, height, width, channels)`, values 0 to 255.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
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
    input_shape: tuple[int, int, int] = (180, 180, 3)
    reference: str = ""
    pretrained: str = ""
    """What the backbone was trained on, such as 'ImageNet'; empty when trained from scratch."""
    options: Mapping[str, Option] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Training settings that differ from the project's defaults (fields of the Recipe)."""
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


@dataclass(frozen=True, kw_only=True)
class ImageFormat:
    """A kind of image file beside those that Pillow reads, as a plugin declares it.

    `recognises(head)` tells by the first 512 bytes whether a file is of this kind.
    `read(content, name)` decodes a whole file to `(height, width)` or `(height, width, 3)` uint8;
    `header(content, name)` gives width, height, mode and bytes without decoding any pixel: the
    host refuses too large a picture by it, and then never calls `read`. Both raise BadInput, with
    `name` in the sentence, whatever the content is.
    """

    name: str
    summary: str
    extensions: tuple[str, ...]
    """In small letters with the dot, such as '.dcm': what to look for in a folder."""
    recognises: Callable[[bytes], bool]
    read: Callable[[bytes, str], np.ndarray]
    header: Callable[[bytes, str], Header]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """An index of labelled images and the functions that read one of them.

    `read(sample, size)` returns `(height, width, 3)` uint8, resized to `size = (height, width)`
    or as stored when `size` is None; it raises BadInput when the image cannot be read.
    `digest(sample)` identifies the stored content: 16 hexadecimal digits.
    `mask(sample, size)` returns `(height, width)` bool: where the finding is, when it is known.
    `header(sample)` gives width, height, mode and bytes of the stored file, read without decoding;
    None when images are not files.
    `patient_of(name)` gives the patient for a file name by the same rule, or None.
    """

    source: str
    class_names: tuple[str, ...]
    samples: tuple[Sample, ...]
    read: Callable[[Sample, tuple[int, int] | None], np.ndarray]
    digest: Callable[[Sample], str]
    mask: Callable[[Sample, tuple[int, int] | None], np.ndarray] | None = None
    header: Callable[[Sample], Header] | None = None
    patient_rule: str = "none"
    subject: str = ""
    """What every image shows, such as 'chest X-ray'; empty when the source does not say."""
    notes: tuple[str, ...] = ()
    """Sentences the user should read before using the data."""
    synthetic: bool = False


@dataclass(frozen=True, eq=False)
class Images:
    """Images to be classified or explained, already at the classifier's input size.

    `pixels` is `(batch, height, width, channels)` uint8. `patients[i]` is None when unknown;
    `digests[i]` identifies the content, so that a reference case can be recognised as the query.
    """

    pixels: np.ndarray
    names: tuple[str, ...]
    patients: tuple[str | None, ...]
    digests: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Reference:
    """Training cases that a run keeps for comparison.

    `embeddings` is `(cases, features)` float32, `labels` is `(cases,)` int,
    `thumbnails[i]` is an encoded JPEG (empty tuple when the run keeps no pictures). `shapes` is
    `(cases, 128)` float32, a description of the image that no training changes (zoo.runs.novelty).
    `held_embeddings` `(held, features)` and `held_labels` `(held,)` are the validation cases, which
    the network was not fitted on: how alike a new image is to known ones is judged by theirs.
    """

    embeddings: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    patients: tuple[str, ...]
    digests: tuple[str, ...]
    thumbnails: tuple[bytes, ...] = ()
    shapes: np.ndarray | None = None
    held_embeddings: np.ndarray | None = None
    held_labels: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Gradients:
    """What one pass through the network and back gives for the targets' logits.

    `logits` is `(batch, classes)`. `features` is the last feature map, `(batch, rows, columns,
    channels)`, and `by_features` the gradient by it, of the same shape; both are None for a network
    without one. `by_pixels` is `(batch, height, width, channels)`, or None when not asked for.
    """

    logits: np.ndarray
    features: np.ndarray | None
    by_features: np.ndarray | None
    by_pixels: np.ndarray | None


class Classifier(Protocol):
    """A trained network with all that is needed to use it.

    `model` is a flat functional Keras model: pixels 0-255 in, logits out.
    All methods take `(batch, height, width, channels)` pixels at the input size.
    """

    model: Any
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    temperature: float
    """What logits are divided by before the softmax."""
    feature_layer: Any
    """The layer with the last feature map; None for a network without a convolution."""

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, classes)` float32 logits."""

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, classes)` float32 probabilities that add up to one."""

    def embeddings(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, features)` float32: what the last weighted layer sees."""

    def gradients(
        self, pixels: np.ndarray, targets: Sequence[int], *, by_pixels: bool = False
    ) -> Gradients:
        """Differentiate the logit of each image's target by the last feature map, or pixels too.

        By the feature map alone only the layers behind it are differentiated, which is cheap.
        """

    def linear_head(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return weights `(features, classes)` and bias `(classes,)`: logits of embeddings.

        None when the network's last weighted layer is not linear in the embedding.
        """


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each pixel speaks for the target class.

    `values` is `(height, width)` float32 in the frame of the classifier's input. Signed values
    speak for (positive) or against (negative) the target; unsigned ones are never negative.
    """

    method: str
    target: int
    values: np.ndarray
    signed: bool = False
    details: Mapping[str, float | int | str] = field(default_factory=dict)
    """Facts to be shown with the map, such as an additivity error."""


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A reference case (its row), its distance to the query, and where the two are alike.

    `regions` holds two maps from 0 up, of the query and of the case, in the frame of the last
    feature map: where each shows what they have in common. `note` is a remark on the case.
    """

    index: int
    distance: float
    regions: tuple[np.ndarray, np.ndarray] | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Group:
    """Reference cases that were chosen for one reason, the first first.

    `name` is short and fixed ('similar'), `title` heads the pictures, `measure` says what
    `Neighbour.distance` is here ('cosine distance').
    """

    name: str
    title: str
    measure: str
    cases: tuple[Neighbour, ...]


@dataclass(frozen=True, eq=False)
class Examples:
    """Known cases that resemble the image or bear on the answer, in groups, and their vote.

    `agreement` is the share of the nearest neighbours, 0 to 1, whose label is the target.
    `credibility` is the share of validation cases, 0 to 1, whose neighbours agree no better with
    their label than this image's with the target; None when it cannot be told.
    """

    method: str
    target: int
    groups: tuple[Group, ...]
    agreement: float
    credibility: float | None = None
    details: Mapping[str, float | int | str] = field(default_factory=dict)


Explanation = Attribution | Examples


@dataclass(frozen=True, kw_only=True)
class Explainer:
    """An explanation method as a plugin declares it.

    `explain(classifier, images, targets, reference, **options)` takes Images, one target class
    index per image and the run's Reference (None when it has none), and returns one Explanation
    per image, in order. It works on any flat functional model without naming a layer.
    """

    name: str
    summary: str
    explain: Callable[..., Sequence[Explanation]]
    reference: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    default: bool = False
    """Whether `zoo explain` runs it when no method is named."""
    gradients: str = ""
    """What it asks `classifier.gradients` for: 'features', 'pixels', or nothing. The host then
    makes one pass that serves the answer and all such methods."""
    origin: str = ""
    """The plugin that gave it and its version; the registry fills it in."""
