"""A trained network with what is needed to use it: logits, embeddings, gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from zoo.base.errors import InvalidSetting
from zoo.base.explanations import LAST_FEATURES, Gradients
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.data.resampling import cut
from zoo.network import feature_map, frame, graph
from zoo.network.copying import as_float32
from zoo.network.gradients import (
    DECIDED,
    NO_GRADIENTS,
    Differentiate,
    differentiation,
    margin_of,
)
from zoo.network.passes import Pass, joined, parts, traced
from zoo.stats.probabilities import softmax

GRADIENT_BATCH = 8
"""Images a pass back to the pixels: it keeps 100 MB an image of EfficientNet at 224 pixels."""


class TrainedClassifier:
    """Wraps a flat functional Keras model: pixels 0-255 in, logits out.

    Pixels are `(batch, height, width, channels)`; long batches are worked through in parts, so
    memory does not grow with their length. `positive` is the index of the class that sensitivity
    and ROC curves are about. Logits are as the network gives them; probabilities are of the logits
    divided by the `temperature` that was fitted on the validation part. `feature_layer` is the
    layer or operation with the last feature map `(batch, rows, columns, channels)`, or None;
    `mapped` tells whether `gradients` gives features, which several maps or tokens may be, too;
    `attends` whether it has layers of attention; `differentiable` whether it has gradients at all,
    which a network in an ONNX file has not.

    Of an array that cannot be written to, of at most PREDICTION_BATCH images, what the last pass
    gave is remembered, so that answering and explaining it share one. Weights must not change.
    `frame_of` is a classifier with the same frame, which then is not made ready again.
    """

    def __init__(
        self,
        model: Any,
        class_names: tuple[str, ...],
        positive: int,
        temperature: float = 1.0,
        frame_of: TrainedClassifier | None = None,
    ) -> None:
        self.model = model
        self.temperature = temperature
        self.class_names = class_names
        self.positive = positive
        self.input_shape: tuple[int, int, int] = tuple(model.input_shape[1:])
        self.differentiable = graph.differentiable(model)
        maps = feature_map.feature_maps(model) if self.differentiable else []
        self.mapped, self.feature_layer = bool(maps), feature_map.layer_of(maps)
        self.attends = graph.attends(model)
        self.inner = frame.unframed(model) if frame.is_framed(model) else model
        self._last: Pass | None = None
        if frame_of is not None and self.inner is not model:
            self._find = frame_of._find

    def logits(self, pixels: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        """Return `(batch, classes)` float32 logits; with `boxes`, of what is in these."""
        if boxes is None or self.inner is self.model:
            return self.outputs(pixels)[0]
        several = parts(pixels, PREDICTION_BATCH)
        return joined([self._of_boxes(part, boxes[rows]) for rows, part in several])

    def boxes(self, pixels: np.ndarray) -> np.ndarray:
        """Return the box that is seen of each picture, `(batch, 4)` float32."""
        if self.inner is self.model:
            return np.tile(frame.WHOLE, (len(pixels), 1))
        if (known := self._known(pixels).boxes) is not None:
            return known
        return joined([self._find(part) for _, part in parts(pixels, PREDICTION_BATCH)])

    def seen(self, pixels: np.ndarray) -> np.ndarray:
        """Return what is in the boxes, as `inner` takes it: float32, 0 to 255."""
        if self.inner is self.model:
            return pixels.astype(np.float32)
        return np.asarray(cut(pixels, self.boxes(pixels), self.inner.input_shape[1:3]))

    @cached_property
    def inside(self) -> TrainedClassifier:
        """Return a classifier of what is seen: the network behind the frame; itself without one."""
        if self.inner is self.model:
            return self
        return TrainedClassifier(self.inner, self.class_names, self.positive, self.temperature)

    def place(self, maps: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Enlarge `(batch, rows, columns)` maps of what is seen to maps of the whole pictures."""
        size, boxes = pixels.shape[1:3], self.boxes(pixels)
        return np.stack([frame.placed(m, box, size) for m, box in zip(maps, boxes, strict=True)])

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, classes)` float32 probabilities that add up to one."""
        return softmax(self.logits(pixels) / self.temperature)

    def embeddings(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(batch, features)` float32: what the last weighted layer sees."""
        return self.outputs(pixels)[1]

    def outputs(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits and embeddings from one pass."""
        logits, embeddings, _ = self.answers(pixels)
        return logits, embeddings

    def answers(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return logits, embeddings and boxes from one pass."""
        known = self._known(pixels)
        if known.outputs is None:
            passes = [self._forward(part) for _, part in parts(pixels, PREDICTION_BATCH)]
            logits, embeddings, *boxes = (joined(column) for column in zip(*passes, strict=True))
            known = replace(known, outputs=(logits, embeddings), boxes=boxes[0] if boxes else None)
            self._keep(known)
        else:
            logits, embeddings = known.outputs
        return logits, embeddings, self.boxes(pixels) if known.boxes is None else known.boxes

    def gradients(
        self, pixels: np.ndarray, targets: Sequence[int], *, by_pixels: bool = False
    ) -> Gradients:
        """Differentiate the logit of each image's target by the last feature map, or pixels too.

        By the feature map alone only the layers behind it are differentiated, which costs little
        more than a prediction. A network that computes in 16 bits is differentiated in 32.

        Raises:
            InvalidSetting: the network cannot be differentiated.
        """
        if not self.differentiable:
            raise InvalidSetting(NO_GRADIENTS)
        wanted = tuple(int(target) for target in targets)
        known = self._known(pixels)
        remembered = known.answers(wanted, by_pixels)
        if remembered is not None:
            return remembered
        gradients = self._differentiate(known, wanted, 0.0, by_pixels)
        return gradients if by_pixels else replace(gradients, by_pixels=None)

    def prime(
        self, pixels: np.ndarray, threshold: float | None = None, *, by_pixels: bool = False
    ) -> None:
        """Compute in one pass what answering and explaining the class decided for will ask for.

        `threshold` is the probability from which the positive of two classes is called; None: the
        most probable one is. Nothing is done for pixels that are not remembered. An explanation
        of another class costs another pass. A network without gradients answers alone.
        """
        if not Pass(pixels).kept:
            return
        if not self.differentiable:
            self.answers(pixels)
            return
        margin = margin_of(threshold, self.temperature)
        wanted = (DECIDED,) * len(pixels)
        self._differentiate(self._known(pixels), wanted, margin, by_pixels)

    def linear_head(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Return weights `(features, classes)` and bias `(classes,)`: logits from embeddings.

        None when the network does more with its embedding than that.
        """
        layer = graph.linear_head(self.model)
        if layer is None:
            return None
        weights = np.asarray(layer.kernel, np.float32)
        bias = np.zeros(weights.shape[1], np.float32) if layer.bias is None else layer.bias
        return weights, np.asarray(bias, np.float32)

    def _differentiate(
        self, known: Pass, targets: tuple[int, ...], margin: float, by_pixels: bool
    ) -> Gradients:
        # Of few images the longer way costs less than it takes to make a graph of the shorter one.
        few = len(known.pixels) <= GRADIENT_BATCH
        by_pixels = by_pixels or (few and "_by_pixels" in vars(self))
        differentiate = self._by_pixels if by_pixels else self._by_features
        size = GRADIENT_BATCH if by_pixels else PREDICTION_BATCH
        passes = [
            differentiate(pixels, np.array(targets[part], np.int32), np.float32(margin))
            for part, pixels in parts(known.pixels, size)
        ]
        tensors = {name: joined([part[name] for part in passes]) for name in passes[0]}
        gradients = Gradients(
            logits=tensors["logits"],
            features=tensors.get("features"),
            by_features=tensors.get("by_features"),
            by_pixels=tensors.get("by_pixels"),
        )
        chosen = tuple(int(target) for target in tensors["targets"])
        boxes = tensors.get("boxes", known.boxes)
        known = replace(known, boxes=boxes, targets=chosen, gradients=gradients)
        # A network in 16 bits goes on to answer in these, as it was tuned.
        if self.inside.precise_model is self.inner:
            known = replace(known, outputs=(tensors["logits"], tensors["embeddings"]))
        self._keep(known)
        return gradients

    def _known(self, pixels: np.ndarray) -> Pass:
        last = self._last
        return last if last is not None and last.pixels is pixels else Pass(pixels)

    def _keep(self, known: Pass) -> None:
        if known.kept:
            known.protect()
            self._last = known

    @cached_property
    def precise_model(self) -> Any:
        """`model` in float32: itself, or a copy where it computes in 16 bits."""
        return as_float32(self.model)

    @cached_property
    def featured_model(self) -> Any:
        """`inner` in float32, whose layer `LAST_FEATURES` gives the last feature map; or None."""
        return feature_map.with_feature_layer(self.inside.precise_model, LAST_FEATURES)

    @cached_property
    def _find(self) -> Callable[[np.ndarray], Any]:
        return traced(frame.finding(self.model))

    @cached_property
    def _of_boxes(self) -> Callable[[np.ndarray, np.ndarray], Any]:
        return traced(frame.with_boxes(self.model))

    @cached_property
    def _forward(self) -> Callable[[np.ndarray], Sequence[Any]]:
        """Give logits and embeddings, and of a framed network the boxes."""
        import keras

        given = [self.model.output, graph.embedding(self.model)]
        if self.inner is not self.model:
            given.append(self.model.get_layer(frame.BOX).output)
        return traced(keras.Model(self.model.input, given))

    @cached_property
    def _by_features(self) -> Differentiate:
        return self._differentiation(by_pixels=False)

    @cached_property
    def _by_pixels(self) -> Differentiate:
        return self._differentiation(by_pixels=True)

    def _differentiation(self, *, by_pixels: bool) -> Differentiate:
        framed = self.inner is not self.model
        return differentiation(
            self.inside.precise_model,
            len(self.class_names),
            self.positive,
            by_pixels=by_pixels,
            find=self._find if framed else None,
            pictures=self.model.input_shape,
        )
