"""What the trainer fits: a whole network on streamed pixels, or a head on cached features."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.base.progress import SILENT, Progress
from zoo.base.recipe import Recipe
from zoo.base.types import Dataset, Sample
from zoo.data.frames import Frames
from zoo.data.pipeline import seen_batches, shuffled, training_batches

HEAD_PREDICTION_BATCH = 1024
BATCHES = 256
"""Of features that are copied at a time."""


def passes_and_steps(images: int, recipe: Recipe) -> tuple[int, int]:
    """Return how often an epoch on pixels sees each image, and how many steps it has."""
    passes = math.ceil(recipe.fewest_steps / math.ceil(images / recipe.batch_size))
    return passes, math.ceil(images * passes / recipe.batch_size)


class PixelInputs:
    """Trains a network end to end; images are read, cut and augmented anew in each epoch.

    `digests` are by the names of samples; `frames` are what is seen of the images, None: all.
    `progress` is told of each batch that is answered.
    """

    def __init__(
        self,
        model: Any,
        dataset: Dataset,
        train: Sequence[Sample],
        validation: Sequence[Sample],
        digests: Mapping[str, str],
        frames: Frames | None,
        recipe: Recipe,
        progress: Progress = SILENT,
    ) -> None:
        self.model, self._progress = model, progress
        self._passes, self.steps = passes_and_steps(len(train), recipe)
        self._dataset, self._train, self._validation = dataset, train, validation
        self._digests, self._frames, self._recipe = digests, frames, recipe
        self._input_shape = tuple(model.input_shape[1:])
        labels = np.array([s.label for s in train])
        classes = len(dataset.class_names)
        self._targets = np.eye(classes, dtype=np.float32)[labels]
        self._weights = sample_weights(labels, classes, recipe.class_weights)
        self._answers = np.array([s.label for s in validation])

    def training(self, epoch: int) -> Any:
        """Return the batches `(pixels, one-hot targets, weights)` of an epoch."""
        return training_batches(
            self._dataset,
            self._train,
            self._contents(self._train),
            self._input_shape,
            self._targets,
            self._weights,
            frames=self._frames,
            batch_size=self._recipe.batch_size,
            preset=self._recipe.augmentation,
            seed=self._recipe.seed,
            rounds=range(epoch * self._passes, (epoch + 1) * self._passes),
        )

    def validation(self) -> tuple[np.ndarray, np.ndarray]:
        """Return logits and labels of the validation part."""
        return self.logits(self._validation, "validation"), self._answers

    def logits(self, samples: Sequence[Sample], title: str = "answers") -> np.ndarray:
        """Return `(samples, classes)` logits, streamed; `title` is what progress is called."""
        content, frames = self._contents(samples), self._frames
        seen = seen_batches(self._dataset, samples, content, self._input_shape, frames)
        self._progress.start(title, len(seen))
        try:
            return self.model.predict(seen, verbose=0, callbacks=[_told(self._progress)])
        finally:
            self._progress.stop()

    def _contents(self, samples: Sequence[Sample]) -> list[str]:
        return [self._digests[sample.name] for sample in samples]


class FeatureInputs:
    """Trains a head on the features of a frozen backbone: `(images, views, …)`, view 0 as is.

    `targets` is `(images, views, classes)`. In epoch `e` an image is seen as its view
    `e mod views`. Some hundred batches are copied at a time.
    """

    def __init__(
        self,
        head: Any,
        train: np.ndarray,
        targets: np.ndarray,
        weights: np.ndarray,
        validation: np.ndarray,
        validation_labels: np.ndarray,
        recipe: Recipe,
    ) -> None:
        self.model = head
        self.steps = math.ceil(len(train) / recipe.batch_size)
        self._train, self._validation, self._answers = train, validation, validation_labels
        self._targets, self._weights, self._recipe = targets, weights, recipe

    def training(self, epoch: int) -> Any:
        """Return the batches `(features, one-hot targets, weights)` of an epoch."""
        import tensorflow as tf

        order = shuffled(len(self._train), self._recipe.seed, epoch)
        views = (np.arange(len(self._train)) + epoch) % self._train.shape[1]
        size = self._recipe.batch_size

        def parts() -> Iterator[tuple[np.ndarray, ...]]:
            for start in range(0, len(order), BATCHES * size):
                rows = order[start : start + BATCHES * size]
                seen = rows, views[rows]
                yield self._train[seen], self._targets[seen], self._weights[rows]

        of_an_image = self._train.shape[2:], self._targets.shape[2:], ()
        shapes = tuple(tf.TensorSpec((None, *shape), tf.float32) for shape in of_an_image)
        data = tf.data.Dataset.from_generator(parts, output_signature=shapes)
        data = data.flat_map(lambda *part: tf.data.Dataset.from_tensor_slices(part).batch(size))
        return data.apply(tf.data.experimental.assert_cardinality(self.steps)).prefetch(2)

    def validation(self) -> tuple[np.ndarray, np.ndarray]:
        """Return logits and labels of the validation part."""
        return self.logits(self._validation), self._answers

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return `(images, classes)` logits of `(images, …)` features."""
        return self.model.predict(features, batch_size=HEAD_PREDICTION_BATCH, verbose=0)


def _told(progress: Progress) -> Any:
    """Return what tells a listener of each batch that is answered."""
    import keras

    class Callback(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            progress.advance()

    return Callback()


def sample_weights(labels: np.ndarray, classes: int, balanced: bool) -> np.ndarray:
    """Return a weight for each image: scikit-learn's 'balanced' by class, or one."""
    if not balanced:
        return np.ones(len(labels), np.float32)
    from sklearn.utils.class_weight import compute_class_weight

    by_class = compute_class_weight("balanced", classes=np.arange(classes), y=labels)
    return by_class.astype(np.float32)[labels]
