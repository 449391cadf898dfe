"""What a trained network is to a method, and what a method says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
from zoo.base.displayed import Pictured
from zoo.base.types import Option

LAST_FEATURES = "last_features"
"""The layer of `Classifier.featured_model` that gives the last feature map."""


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
    thumbnails: tuple[bytes, ...] = field(default=(), repr=False)
    shapes: np.ndarray | None = None
    held_embeddings: np.ndarray | None = None
    held_labels: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Gradients:
    """What one pass through the network and back gives for the targets' logits.

    `logits` is `(batch, classes)`. `features` is the last feature map, `(batch, rows, columns,
    channels)`, and `by_features` the gradient by it, of the same shape; both are None for a network
    without one. Tokens of a transformer are a map where each stands for a part of the picture.
    `by_pixels` is `(batch, height, width, channels)`, or None when not asked for.
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
    """The layer or operation, such as `x * gate`, that gives the last feature map in `model`,
    `(batch, rows, columns, channels)`; None for a network without one, or with several."""
    differentiable: bool
    """Whether it has gradients; a network in an ONNX file has not."""
    inner: Any
    """What comes behind the frame: a Keras model from what is `seen` of a picture to logits, with
    the weights of `model`. It is `model` itself where whole pictures are seen."""

    @property
    def precise_model(self) -> Any:
        """`model` in float32: itself, or a copy where it computes in 16 bits."""

    @property
    def featured_model(self) -> Any:
        """`inner` in float32, with the last feature map as the output of `LAST_FEATURES`.

        All that the logits depend on goes through that layer. None where `feature_layer` is.
        """

    @property
    def inside(self) -> Classifier:
        """Return the classifier of what is `seen`; itself where whole pictures are.

        Asked through it, pictures that are changed on purpose are not searched for a box anew.
        """

    def logits(self, pixels: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        """Return `(batch, classes)` float32 logits.

        With `boxes` the network sees these, and not what it finds: give those of the pictures as
        they are when parts of them are hidden.
        """

    def boxes(self, pixels: np.ndarray) -> np.ndarray:
        """Return the box that is seen of each picture, `(batch, 4)` float32.

        Top, left, bottom, right as shares of the picture; 0, 0, 1, 1 where all of it is seen.
        """

    def seen(self, pixels: np.ndarray) -> np.ndarray:
        """Return what is in the boxes, as `inner` takes it: float32, 0 to 255."""

    def place(self, maps: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Enlarge `(batch, rows, columns)` maps of what is seen to maps of the whole pictures.

        They are `(batch, height, width)` float32, bilinear, and zero where nothing is seen.
        """

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, classes)` float32 probabilities that add up to one."""

    def embeddings(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, features)` float32: what the last weighted layer sees."""

    def gradients(
        self, pixels: np.ndarray, targets: Sequence[int], *, by_pixels: bool = False
    ) -> Gradients:
        """Differentiate the logit of each image's target by the last feature map, or pixels too.

        By the feature map alone only the layers behind it are differentiated, which is cheap.

        Raises:
            InvalidSetting: the network is not `differentiable`.
        """

    def linear_head(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return weights `(features, classes)` and bias `(classes,)`: logits of embeddings.

        None when the network's last weighted layer is not linear in the embedding.
        """


@dataclass(frozen=True, eq=False)
class Attribution(Pictured):
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

    `regions` holds two maps from 0 up, `(height, width)`, of the query and of the case: where each
    shows what they have in common. `note` is a remark on the case.
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
AUTO = "auto"
"""Where a method is named: the one that the audit of the run chose."""


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
    feature_layer: bool = False
    """Whether it needs `classifier.feature_layer`. Networks without a convolution, transformers and
    ensembles have none: it is then left out unless it is named."""
    feature_map: bool = False
    """Whether it needs `classifier.gradients` to give features, which an ensemble and a transformer
    have, too: it is left out of networks without any unless it is named."""
    attention: bool = False
    """Whether it needs layers of Keras's `MultiHeadAttention`: it is left out of networks without
    any unless it is named."""
    differentiates: bool = False
    """Whether it cannot do without `classifier.gradients`: it is left out of networks that are not
    `differentiable`, such as those of ONNX files, unless it is named."""
    origin: str = ""
    """The plugin that gave it and its version; the registry fills it in."""
