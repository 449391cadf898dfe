"""Can a network be used once it is trained? Tried on the built one, in seconds, before any epoch.

What finishing, loading, answering and explaining need is done once, on a saved and loaded copy.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.errors import InvalidSetting, in_a_line
from zoo.network import graph
from zoo.network.feature_map import feature_maps
from zoo.network.fresh_load import MODEL, logits_elsewhere
from zoo.network.plugin_layers import Origin, forgotten, load, own_classes

EXACT, COARSE = 1e-5, 5e-2
"""Largest difference of equal answers, as a share of the largest: in float32, and in 16 bits."""
ACROSS = 1e-3
"""The same where another processor or another size of the batch computes."""
FAILED = {
    "pixels": "it does not answer to pixels from 0 to 255",
    "saved": "it cannot be saved and loaded",
    "fresh process": "it cannot be loaded in a fresh process",
    "deterministic": "it does not answer twice",
    "batch": "it does not answer to a single image",
    "embedding": "it has no embedding",
    "feature map": "its feature map cannot be looked for",
    "gradient": "its logits cannot be differentiated",
}
"""What it says of a network that a step ends with an error for."""
REGISTERED = (
    "Decorate its class with @keras.saving.register_keras_serializable(), give it a get_config "
    "that names every argument of its __init__, and install the plugin with an entry point in the "
    "group 'zoo'."
)
REMEDIES = {
    "pixels": "It must answer to any pixels from 0 to 255, with preprocessing inside.",
    "saved": REGISTERED,
    "fresh process": REGISTERED,
    "deterministic": "Random layers must do nothing when training=False.",
    "batch": "Compute nothing across the batch: an image must have the same answer in any.",
    "embedding": (
        "What its last layer with weights sees must be a vector, a map or a sequence of finite "
        "numbers: end it in a Dense layer that gives the logits."
    ),
    "feature map": "Connect the layers in one functional graph.",
    "gradient": (
        "Use operations that can be differentiated, and no square root or logarithm of zero."
    ),
}


@dataclass(frozen=True)
class Verdict:
    """What was tried of a network, whether it can be used so, what was seen, and the remedy."""

    name: str
    fits: bool
    told: str
    remedy: str = ""


def tried(model: Any, origin: Origin | None = None, *, elsewhere: bool = True) -> list[Verdict]:
    """Try what using a trained network needs, on a built and checked one; nothing of it changes.

    The verdicts are named 'pixels', 'embedding', 'saved', 'fresh process' (only with layers that
    are neither Keras's nor zoo's), 'deterministic', 'batch', 'feature map' and 'gradient'. After
    one of the first three that does not fit, the others are not tried. `origin` is what built it;
    a network that is never loaded `elsewhere` is not tried in a fresh process, which takes seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _Trial(model, origin, Path(folder)).verdicts(elsewhere)


def refuse_misfits(verdicts: Sequence[Verdict], architecture: str) -> None:
    """Refuse a network that could be trained but not used.

    Raises:
        InvalidSetting: a verdict does not fit; it says all of them and the remedies.
    """
    misfits = [one for one in verdicts if not one.fits]
    if misfits:
        told = " ".join(f"{one.told}. {one.remedy}" for one in misfits)
        raise InvalidSetting(
            f"Architecture '{architecture}' could be trained, but not used afterwards: {told}"
        )


class _MisfitError(Exception):
    """What was seen that does not fit."""


class _Trial:
    """One trial, with what several of its steps need."""

    def __init__(self, model: Any, origin: Origin | None, folder: Path) -> None:
        self.model, self.origin, self.folder = model, origin, folder
        self.pixels = _pictures(tuple(model.input_shape[1:]))
        single = all(layer.compute_dtype == "float32" for layer in model.layers)
        self.exact, self.across = (EXACT, ACROSS) if single else (COARSE, COARSE)
        self.loaded: Any = None

    def verdicts(self, elsewhere: bool) -> list[Verdict]:
        told: list[Verdict] = []
        for name, step in {
            "pixels": self._takes_pixels,
            "embedding": self._has_embedding,
            "saved": self._is_saved,
            "fresh process": self._is_loaded_elsewhere,
            "deterministic": self._is_deterministic,
            "batch": self._is_alone,
            "feature map": self._has_feature_map,
            "gradient": self._has_gradient,
        }.items():
            if name == "fresh process" and not (self.own and elsewhere):
                continue
            try:
                told.append(Verdict(name, True, step()))
            except _MisfitError as misfit:
                told.append(Verdict(name, False, str(misfit), REMEDIES[name]))
            except Exception as error:  # a layer of a plugin may fail in any way
                failed = f"{FAILED[name]} ({in_a_line(error).rstrip('.')})"
                told.append(Verdict(name, False, failed, REMEDIES[name]))
            if not told[-1].fits and name in ("pixels", "embedding", "saved"):
                break
        return told

    @cached_property
    def own(self) -> dict[str, type]:
        """Classes of layers that are neither Keras's nor zoo's."""
        return own_classes(self.model)

    @cached_property
    def answers(self) -> list[np.ndarray]:
        """Logits and embeddings of the pictures."""
        return _answers(self.model, self.pixels)

    def _takes_pixels(self) -> str:
        logits = np.asarray(self.model(self.pixels, training=False), np.float32)
        if not np.isfinite(logits).all():
            raise _MisfitError("it gives no finite logits for pixels from 0 to 255")
        return f"finite logits for pixels from 0 to 255: {logits.min():.3g} to {logits.max():.3g}"

    def _is_saved(self) -> str:
        import keras

        path = self.folder / MODEL
        keras.Model(self.model.input, self.model.output, name=self.model.name).save(path)
        try:
            with forgotten():
                self.loaded = load(path, ())
        except TypeError:
            with keras.saving.custom_object_scope(self.own):
                self.loaded = load(path, ())
            if not self.own:  # such as a function that is registered as an activation
                self.own = {"a registered object": object}
        off = _off(self.answers, _answers(self.loaded, self.pixels))
        if off > self.exact and self._repeats():
            raise _MisfitError(f"saved and loaded, its answers are off by {off:.1e}")
        return f"saved and loaded, its answers differ by {off:.0e} at most"

    def _is_loaded_elsewhere(self) -> str:
        kinds = ", ".join(sorted(name.rpartition(">")[2] for name in self.own))
        if self.origin is None or not self.origin.installed:
            raise _MisfitError(
                f"it has layers of its own ({kinds}) and its plugin is not installed, so that no "
                "other process could load it"
            )
        logits = logits_elsewhere(self.folder, self.origin, self.pixels)
        off = _off(self.answers[:1], [logits])
        if off > self.across:
            raise _MisfitError(f"loaded in a fresh process, its logits are off by {off:.1e}")
        return f"its own layers ({kinds}) are loaded in a fresh process"

    def _is_deterministic(self) -> str:
        if not self._repeats():
            raise _MisfitError("it answers differently to the same image")
        return "the same image has the same answer"

    def _is_alone(self) -> str:
        off = _off([one[:1] for one in self.answers], _answers(self.model, self.pixels[:1]))
        if off > self.across:
            raise _MisfitError(
                f"the answer to an image depends on the others of its batch ({off:.1e})"
            )
        return "an image alone has the answer that it has in a batch"

    def _has_embedding(self) -> str:
        embeddings = self.answers[1]
        if embeddings.ndim != 2 or not np.isfinite(embeddings).all():
            raise _MisfitError(f"its embedding has the shape {embeddings.shape}, or no numbers")
        return f"{embeddings.shape[1]} numbers an image"

    def _has_feature_map(self) -> str:
        found = feature_maps(self.loaded)
        if not found:
            return "none: methods that need one are left out"
        kinds = [
            f"{one.rows} x {one.columns} {'tokens' if one.of_tokens else 'places'}" for one in found
        ]
        return ", ".join(kinds)

    def _has_gradient(self) -> str:
        import keras
        import tensorflow as tf

        if not graph.differentiable(self.loaded):
            return "none, of an ONNX graph: methods that need them are left out"
        maps = [one.tensor for one in feature_maps(self.loaded)]
        given = [self.loaded.output, graph.embedding(self.loaded), *maps]
        whole = keras.Model(self.loaded.input, given)
        pixels = tf.constant(self.pixels)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            logits, embeddings, *features = whole(pixels, training=False)
            # A head that begins with zeros lets nothing through yet: the embedding counts, too.
            score = tf.reduce_sum(logits[:, 0]) + tf.cast(tf.reduce_sum(embeddings), logits.dtype)
        slopes = tape.gradient(score, [*features, pixels], unconnected_gradients="zero")
        slopes = [np.asarray(tf.cast(one, tf.float32)) for one in slopes]
        if not all(np.isfinite(one).all() for one in slopes):
            raise _MisfitError("the gradient of its logits is not finite")
        if not slopes[-1].any():
            return "zero by the pixels: maps of gradients will be blank if training leaves it so"
        return "finite"

    def _repeats(self) -> bool:
        return _off(self.answers, _answers(self.model, self.pixels)) <= self.exact


def _pictures(shape: tuple[int, int, int]) -> np.ndarray:
    """Return four pictures that differ: noise, a slope, black and white, `(4, *shape)` float32."""
    noise = np.random.default_rng(0).integers(0, 256, shape)
    slope = np.broadcast_to(np.linspace(0, 255, shape[1])[:, None], shape).round()
    return np.stack([noise, slope, np.zeros(shape), np.full(shape, 255)]).astype(np.float32)


def _answers(model: Any, pixels: np.ndarray) -> list[np.ndarray]:
    import keras

    both = keras.Model(model.input, [model.output, graph.embedding(model)])
    return [np.asarray(keras.ops.cast(one, "float32")) for one in both(pixels, training=False)]


def _off(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> float:
    """Return the largest difference, as a share of the largest of the values or of one."""
    if not all(np.isfinite(one).all() for one in (*ours, *theirs)):
        return math.inf
    return max(
        float(np.abs(one - other).max() / max(1.0, float(np.abs(one).max())))
        for one, other in zip(ours, theirs, strict=True)
    )
