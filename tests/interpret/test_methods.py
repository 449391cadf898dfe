"""Methods that lie: what they give, and what they do to what they are given."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from zoo import (
    Attribution,
    Examples,
    Explainer,
    Group,
    Images,
    InvalidSetting,
    Neighbour,
    Reference,
)
from zoo.interpret.methods import BrokenMethod, asked, explained
from zoo.network.classifier import TrainedClassifier

SIDE, TARGETS = 16, [1, 0]
MAP = np.ones((SIDE, SIDE), np.float32)
REFERENCE = Reference(np.zeros((3, 4)), np.zeros(3, int), *[("a", "b", "c")] * 3)


@pytest.fixture(scope="module")
def classifier() -> TrainedClassifier:
    pixels = keras.Input((SIDE, SIDE, 1))
    logits = layers.Dense(2)(layers.Flatten()(pixels))
    return TrainedClassifier(keras.Model(pixels, logits), ("a", "b"), 1)


def images() -> Images:
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 1), np.uint8)
    pixels.flags.writeable = False
    return Images(pixels, ("x", "y"), (None, None), ("0" * 16, "1" * 16))


def method(explain: Callable[..., Any]) -> Explainer:
    return Explainer(name="liar", summary="", explain=explain, origin="acme:liar 1.0")


def each(**changes: Any) -> Callable[..., Any]:
    """Give for each image a good map with these changes."""

    def explain(classifier: Any, images: Any, targets: Any, reference: Any) -> Any:
        return [replace(Attribution("liar", target, MAP), **changes) for target in targets]

    return explain


def similar(**changes: Any) -> Callable[..., Any]:
    """Give for each image one case with these changes."""

    def explain(classifier: Any, images: Any, targets: Any, reference: Any) -> Any:
        case = replace(Neighbour(2, 0.5), **changes)
        group = Group("similar", "Similar", "cosine distance", (case,))
        return [Examples("liar", target, (group,), 0.5) for target in targets]

    return explain


def of(values: Any) -> np.ndarray:
    """Give the good map with one other value."""
    changed = MAP.copy()
    changed[3, 4] = values
    return changed


def mute(*_: Any) -> Any:
    raise KeyError("layer")


@pytest.mark.parametrize(
    ("explain", "reason"),
    [
        (mute, "raises KeyError: 'layer'"),
        (lambda *_: None, "gives NoneType; expected a list"),
        (lambda *_: iter([]), "gives list_iterator; expected a list"),
        (lambda *_: [], "gives 0 explanations of 2 images"),
        (lambda *given: each()(*given)[:1], "gives 1 explanations of 2 images"),
        (lambda *given: each()(*given) * 2, "gives 4 explanations of 2 images"),
        (lambda *_: [MAP, MAP], "gives ndarray; expected Attribution, or Examples, each"),
        (
            lambda *given: [each()(*given)[0], similar()(*given)[1]],
            "gives Attribution and Examples; expected",
        ),
        (each(values=MAP.tolist()), "gives a map"),
        (each(values=MAP.astype(int)), "expected floats"),
        (each(values=MAP[None]), "of shape (1, 16, 16); expected (16, 16)"),
        (each(values=MAP[:7]), "of shape (7, 16); expected (16, 16)"),
        (each(values=of(np.nan)), "values that are not finite"),
        (each(values=of(np.inf)), "values that are not finite"),
        (each(values=of(-0.1)), "values from -0.1 that does not say it is signed"),
        (each(method="gradcam"), "signs as 'gradcam'; expected its own name"),
        (each(target=1), "explains class 1; 0 was asked for"),
        (similar(index=3), "gives the case 3; the run has 3, counted from 0"),
        (similar(index=-1), "gives the case -1"),
        (similar(distance=np.nan), "gives the distance nan"),
        (similar(distance="near"), "gives the distance 'near'; expected a number"),
        (similar(index=1.0), "gives the case 1.0"),
        (similar(regions=(MAP, MAP[0])), "regions that are no maps"),
        (similar(regions=(of(np.nan), MAP)), "regions that are no maps"),
        (each(details={"error": np.nan}), "gives the detail 'error': nan; expected text or a"),
        (each(details={"error": MAP}), "gives the detail 'error': array"),
        (
            lambda *given: [replace(one, agreement=70) for one in similar()(*given)],
            "gives the share 70; expected 0 to 1",
        ),
        (
            lambda *given: [replace(one, agreement="most") for one in similar()(*given)],
            "gives the share 'most'; expected 0 to 1",
        ),
        (
            lambda *given: [replace(one, credibility=-1.0) for one in similar()(*given)],
            "gives the share -1.0",
        ),
    ],
)
def test_what_it_gives(
    classifier: TrainedClassifier, explain: Callable[..., Any], reason: str
) -> None:
    with pytest.raises(BrokenMethod) as caught:
        explained(method(explain), classifier, images(), TARGETS, REFERENCE, {})
    assert str(caught.value).startswith(
        "The method 'liar' of the plugin 'acme:liar 1.0' is left out: it "
    )
    assert reason in str(caught.value)
    assert caught.value.method == "liar"
    travelled = copy.copy(caught.value)  # as an error of a worker does
    assert (str(travelled), travelled.method) == (str(caught.value), "liar")


@pytest.mark.parametrize(
    "explain",
    [
        each(),
        each(values=of(-0.1), signed=True),
        each(values=of(-1e-8)),  # rounding
        each(values=np.zeros_like(MAP)),
        each(values=MAP.astype(np.float64)),
        lambda *given: tuple(each()(*given)),
        similar(),
    ],
)
def test_what_keeps_its_promises_is_given_on(
    classifier: TrainedClassifier, explain: Callable[..., Any]
) -> None:
    given = explained(method(explain), classifier, images(), TARGETS, REFERENCE, {})
    assert [one.target for one in given] == TARGETS


def test_numbers_of_numpy_become_plain(classifier: TrainedClassifier) -> None:
    def explain(*given: Any) -> list[Examples]:
        share, cases = np.float32(0.5), similar(index=np.int64(1), distance=np.float32(0.25))
        return [replace(one, agreement=share, credibility=share) for one in cases(*given)]

    for one in explained(method(explain), classifier, images(), TARGETS, REFERENCE, {}):
        assert isinstance(one, Examples)
        case = one.groups[0].cases[0]
        told = [one.agreement, one.credibility, case.index, case.distance]
        assert json.loads(json.dumps(told)) == [0.5, 0.5, 1, 0.25]


def test_what_it_says_itself_is_passed_on(classifier: TrainedClassifier) -> None:
    def explain(*_: Any) -> Any:
        raise InvalidSetting("It needs a convolution.")

    for ask in (asked, explained):
        with pytest.raises(InvalidSetting, match="needs a convolution"):
            ask(method(explain), classifier, images(), TARGETS, None, {})


def test_pixels_cannot_be_written_to_and_are_put_back(classifier: TrainedClassifier) -> None:
    shown, before = images(), images().pixels

    def write(_: Any, images: Any, *given: Any) -> Any:
        images.pixels[0] = 0
        return each()(_, images, *given)

    def force(_: Any, images: Any, *given: Any) -> Any:
        images.pixels.flags.writeable = True
        return write(_, images, *given)

    with pytest.raises(BrokenMethod, match="raises ValueError: assignment destination is read"):
        explained(method(write), classifier, shown, TARGETS, None, {})
    with pytest.raises(BrokenMethod, match="it changes the pixels"):
        explained(method(force), classifier, shown, TARGETS, None, {})
    np.testing.assert_array_equal(shown.pixels, before)
    assert not shown.pixels.flags.writeable


def test_weights_are_put_back(classifier: TrainedClassifier) -> None:
    before, shown = classifier.model.get_weights(), images()
    answers = classifier.logits(shown.pixels.copy())

    def train(classifier: Any, *given: Any) -> Any:
        classifier.model.set_weights([array + 1 for array in before])
        return each()(classifier, *given)

    def fail(classifier: Any, *given: Any) -> Any:
        train(classifier, *given)
        raise KeyError("layer")

    for explain, reason in ((train, "changes the weights"), (fail, "raises KeyError")):
        with pytest.raises(BrokenMethod, match=reason):
            explained(
                replace(method(explain), name="trainer"), classifier, shown, TARGETS, None, {}
            )
        for one, other in zip(classifier.model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(classifier.logits(shown.pixels.copy()), answers)


def test_cases_cannot_be_written_to(classifier: TrainedClassifier) -> None:
    def explain(_: Any, images: Any, targets: Any, reference: Any) -> Any:
        reference.labels[:] = targets[0]

    with pytest.raises(BrokenMethod, match="read-only"):
        explained(method(explain), classifier, images(), TARGETS, REFERENCE, {})
