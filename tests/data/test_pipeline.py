from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from plugins.readers.phantom.cohort import Cohort
from zoo import BadInput, Dataset, Sample
from zoo.base import parallel
from zoo.data import augmentation, pipeline
from zoo.data.frames import Frames
from zoo.network import frame, localiser
from zoo.network.classifier import TrainedClassifier


def numbered(count: int, broken: str = "") -> Dataset:
    """Return images whose every pixel is their number (red) and its double (green)."""

    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        if sample.name == broken:
            raise BadInput(f"'{broken}' is cut short (at byte 7). Copy it again.\nSecond line.")
        number = int(sample.name)
        return np.full((*(size or (9, 9)), 3), (number, 2 * number, 0), np.uint8)

    return Dataset(
        source="here",
        class_names=("a", "b"),
        samples=tuple(Sample(str(n), n % 2, str(n)) for n in range(count)),
        read=read,
        digest=lambda s: f"{int(s.name):016x}",
    )


def test_batches_come_in_order_at_the_asked_size() -> None:
    data = numbered(10)
    found = [b.numpy() for b in pipeline.batches(data, data.samples, (6, 8, 3), batch_size=4)]
    assert [b.shape for b in found] == [(4, 6, 8, 3), (4, 6, 8, 3), (2, 6, 8, 3)]
    assert found[0].dtype == np.uint8
    assert [int(image[0, 0, 0]) for b in found for image in b] == list(range(10))


def test_one_channel_is_the_luminance() -> None:
    data = numbered(100)
    (batch,) = pipeline.batches(data, data.samples[90:92], (5, 5, 1))
    assert batch.shape == (2, 5, 5, 1)
    assert int(batch[0, 0, 0, 0]) == round(0.299 * 90 + 0.587 * 180)


def epoch_of(
    data: Dataset,
    preset: str,
    *rounds: int,
    seed: int = 0,
    shape: tuple[int, int, int] = (6, 8, 3),
    frames: Frames | None = None,
) -> list[Any]:
    count = len(data.samples)
    return list(
        pipeline.training_batches(
            data,
            data.samples,
            [data.digest(s) for s in data.samples],
            shape,
            np.eye(2, dtype=np.float32)[[s.label for s in data.samples]],
            np.arange(count, dtype=np.float32),
            frames=frames,
            batch_size=4,
            preset=preset,
            seed=seed,
            rounds=rounds,
        )
    )


def test_an_epoch_keeps_pixels_targets_and_weights_together() -> None:
    seen = []
    for pixels, targets, weights in epoch_of(numbered(10), "none", 0):
        for image, target, weight in zip(pixels, targets, weights, strict=True):
            number = int(image[0, 0, 0])
            assert int(np.argmax(target)) == number % 2
            assert int(weight) == number
            seen.append(number)
    assert sorted(seen) == list(range(10))
    assert seen != list(range(10))


def test_an_epoch_repeats_itself_and_the_next_differs() -> None:
    data = numbered(10)

    def pixels(epoch: int) -> np.ndarray:
        return np.concatenate([b[0].numpy() for b in epoch_of(data, "chest", epoch)])

    assert np.array_equal(pixels(3), pixels(3))
    assert not np.array_equal(pixels(3), pixels(4))
    assert np.array_equal(pipeline.shuffled(50, 1, 2), pipeline.shuffled(50, 1, 2))
    assert not np.array_equal(pipeline.shuffled(50, 1, 2), pipeline.shuffled(50, 1, 3))


def test_an_epoch_of_several_rounds_sees_each_image_once_in_each_of_them() -> None:
    data, rounds = numbered(10), (6, 7)
    found = epoch_of(data, "none", *rounds)
    assert [len(weights) for _, _, weights in found] == [4] * 5  # batches go on over the rounds
    numbers = [int(weight) for _, _, weights in found for weight in weights]
    alone = [
        [int(weight) for _, _, weights in epoch_of(data, "none", one) for weight in weights]
        for one in rounds
    ]
    assert numbers == [*alone[0], *alone[1]]
    assert alone[0] != alone[1]
    assert sorted(alone[0]) == sorted(alone[1]) == list(range(10))


def test_each_round_of_an_epoch_has_views_of_its_own() -> None:
    data = numbered(10)

    def pixels(*rounds: int) -> np.ndarray:
        return np.concatenate([b[0].numpy() for b in epoch_of(data, "chest", *rounds)])

    np.testing.assert_allclose(pixels(3, 4), np.concatenate([pixels(3), pixels(4)]), atol=1e-3)


COHORT = Cohort(seed=4, size=160, prevalence=0.5, difficulty=0.3, extent=1.0)
SEEN, READ = (112, 84, 3), (160, 120)


@pytest.fixture(scope="module")
def phantoms() -> Dataset:
    return Dataset(
        source="here",
        class_names=("a", "b"),
        samples=tuple(COHORT.samples(6)),
        read=COHORT.read,
        digest=COHORT.digest,
    )


@pytest.fixture(scope="module")
def framed() -> TrainedClassifier:
    import keras
    from keras import layers

    pixels = keras.Input(SEEN)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, strides=2)(pixels))
    model = frame.framed(keras.Model(pixels, layers.Dense(2)(x)), localiser.lungs())
    return TrainedClassifier(model, ("a", "b"), 1)


@pytest.fixture(scope="module")
def pictures(phantoms: Dataset) -> np.ndarray:
    return np.stack([phantoms.read(s, READ) for s in phantoms.samples])


@pytest.fixture(scope="module")
def frames(phantoms: Dataset, framed: TrainedClassifier, pictures: np.ndarray) -> Frames:
    digests = [phantoms.digest(s) for s in phantoms.samples]
    masks = np.zeros((6, 24, 24), np.float32)
    masks[:, 4:20, 2:22] = 1
    return Frames(
        READ,
        dict(zip(digests, framed.boxes(pictures), strict=True)),
        dict(zip(digests, masks, strict=True)),
        "key",
    )


def test_what_is_streamed_is_what_the_framed_network_cuts_itself(
    phantoms: Dataset, framed: TrainedClassifier, pictures: np.ndarray, frames: Frames
) -> None:
    digests = [phantoms.digest(s) for s in phantoms.samples]
    assert frame.found(frames.of(digests)).all()
    streamed = pipeline.seen_batches(phantoms, phantoms.samples, digests, SEEN, frames, 4)
    parts = [batch.numpy() for batch in streamed]
    assert [part.shape for part in parts] == [(4, *SEEN), (2, *SEEN)]
    np.testing.assert_allclose(np.concatenate(parts), framed.seen(pictures), atol=0.05)


def test_an_epoch_sees_what_is_in_the_frames(
    phantoms: Dataset, framed: TrainedClassifier, pictures: np.ndarray, frames: Frames
) -> None:
    order = pipeline.shuffled(6, 0, 2)
    digests = [phantoms.digest(phantoms.samples[i]) for i in order]

    def streamed(preset: str) -> np.ndarray:
        found = epoch_of(phantoms, preset, 2, shape=SEEN, frames=frames)
        return np.concatenate([pixels.numpy() for pixels, _, _ in found])

    np.testing.assert_allclose(streamed("none"), framed.seen(pictures)[order], atol=0.05)
    views = augmentation.draw("robust", 0, 2, digests, SEEN[:2])
    parts, masks = frames.of(digests), frames.masks_of(digests)
    wanted = [
        augmentation.apply(
            pictures[order[rows]],
            augmentation.Views(*(field[rows] for field in views)),
            parts[rows],
            masks[rows],
            size=SEEN[:2],
            preset="robust",
        )
        for rows in (slice(4), slice(4, 6))
    ]
    assert np.abs(streamed("robust") - np.concatenate(wanted)).mean() < 0.1


def test_views_of_which_nothing_is_left_ask_for_no_class() -> None:
    data = numbered(60)
    found = epoch_of(data, "robust", 5)
    targets = np.concatenate([targets for _, targets, _ in found])
    order = pipeline.shuffled(60, 0, 5)
    digests = [data.digest(data.samples[i]) for i in order]
    blank = augmentation.draw("robust", 0, 5, digests, (6, 8)).blank == 1
    assert 0 < blank.sum() < 15
    np.testing.assert_allclose(targets[blank], 0.5)
    np.testing.assert_array_equal(targets[~blank].argmax(axis=1), order[~blank] % 2)
    assert (targets[~blank].max(axis=1) == 1).all()


def test_a_bad_image_in_the_stream_is_bad_input_again() -> None:
    data = numbered(10, broken="7")
    streamed = pipeline.batches(data, data.samples, (6, 8, 3), batch_size=4)
    with pytest.raises(BadInput) as caught, pipeline.reading_errors():
        list(streamed)
    assert str(caught.value) == "'7' is cut short (at byte 7). Copy it again."


def test_other_errors_of_tensorflow_stay_what_they_are() -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError), pipeline.reading_errors():
        tf.reshape(tf.zeros(6), (4, 4))


def test_in_parallel_keeps_the_order() -> None:
    def slow(number: int) -> int:
        time.sleep(0.002 * (number % 5))
        return number * number

    assert list(parallel.in_parallel(slow, range(40))) == [n * n for n in range(40)]
    assert list(parallel.in_parallel(slow, [])) == []


def test_in_parallel_really_is_parallel() -> None:
    together = threading.Barrier(2, timeout=300)
    assert len(list(parallel.in_parallel(lambda _: together.wait(), range(2)))) == 2


def test_in_parallel_never_runs_far_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = parallel.in_parallel(lambda n: n, items(), ahead=8)
    for used in range(1, 101):
        next(results)
        assert len(taken) <= used + 8
    results.close()  # type: ignore[attr-defined]
    assert len(taken) <= 108


def test_in_parallel_passes_an_error_on_at_its_place() -> None:
    def fails_at_five(number: int) -> int:
        if number == 5:
            raise BadInput("five")
        return number

    results = parallel.in_parallel(fails_at_five, range(1000))
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(BadInput, match="five"):
        next(results)
