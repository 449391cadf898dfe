"""The checks of plugins find what is wrong with one, and let through what is right."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from zoo import (
    Architecture,
    Attribution,
    BadInput,
    Dataset,
    Explainer,
    Header,
    ImageFormat,
    Sample,
    UnknownName,
    hookimpl,
)
from zoo.base import formats
from zoo.base.registry import Registry, load_registry
from zoo.testing import (
    Verdict,
    check_architecture,
    check_explainer,
    check_image_format,
    check_reader,
    conforms,
)


def misfits(verdicts: list[Verdict]) -> set[str]:
    return {one.name for one in verdicts if not one.fits}


def test_conforms_fails_with_what_does_not_fit_and_why() -> None:
    conforms([Verdict("one", True, "seen")])
    with pytest.raises(AssertionError, match="two: it is off\n  Mend it"):
        conforms([Verdict("one", True, "seen"), Verdict("two", False, "it is off", "Mend it")])
    with pytest.raises(AssertionError, match="0 of 0"):
        conforms([])


# Explanation methods.


def of_method(explain: Callable[..., Any], **more: Any) -> set[str]:
    method = Explainer(name="own", summary="s", explain=explain, reference="r", **more)
    registry = Registry({}, {"own": method}, {}, {"own": "own"}, ())
    return misfits(check_explainer("own", registry=registry))


def by_gradient(classifier: Any, images: Any, targets: Any, reference: Any = None) -> list[Any]:
    given = classifier.gradients(images.pixels, targets, by_pixels=True)
    return [
        Attribution("own", target, one.sum(axis=-1), signed=True)
        for target, one in zip(targets, given.by_pixels, strict=True)
    ]


def test_a_gradient_keeps_all_promises() -> None:
    assert of_method(by_gradient) == set()


def test_a_map_of_the_pixels_alone_is_found_out() -> None:
    def brightness(classifier: Any, images: Any, targets: Any, reference: Any = None) -> list[Any]:
        classifier.logits(images.pixels)
        bright = images.pixels.mean(axis=-1).astype(np.float32)
        return [Attribution("own", t, b) for t, b in zip(targets, bright, strict=True)]

    assert of_method(brightness) == {"class", "weights"}


def test_a_map_that_is_drawn_anew_is_found_out() -> None:
    random = np.random.default_rng()

    def noisy(*given: Any, **named: Any) -> list[Any]:
        return [
            replace(one, values=one.values + random.normal(size=one.values.shape).astype("f4"))
            for one in by_gradient(*given, **named)
        ]

    assert {"repeatable", "alone"} <= of_method(noisy)


def test_a_map_that_depends_on_its_neighbours_is_found_out() -> None:
    def joined(*given: Any, **named: Any) -> list[Any]:
        maps = by_gradient(*given, **named)
        mean = np.mean([one.values for one in maps], axis=0)
        return [replace(one, values=one.values + mean) for one in maps]

    assert of_method(joined) == {"alone"}


def test_one_that_works_on_when_nobody_waits_is_found_out() -> None:
    def stubborn(*given: Any, **named: Any) -> list[Any]:
        try:
            return by_gradient(*given, **named)
        except Exception:
            blank = np.zeros((64, 64), np.float32)
            return [Attribution("own", target, blank, signed=True) for target in given[2]]

    assert of_method(stubborn) == {"ends"}


def test_one_that_returns_something_else_is_told_and_nothing_more_is_tried() -> None:
    assert of_method(lambda *_: [1, 2, 3]) == {"explanations"}
    wrong = Explainer(name="own", summary="s", explain=lambda *_: [], reference="")
    registry = Registry({}, {"own": wrong}, {}, {"own": "own"}, ())
    verdicts = check_explainer("own", registry=registry)
    assert [one.name for one in verdicts] == ["documented", "explanations"]
    assert misfits(verdicts) == {"documented", "explanations"}


# Architectures.


def build(input_shape: Any, num_classes: int) -> Any:
    import keras
    from keras import layers

    pixels = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, strides=2, activation="relu")(layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, layers.Dense(num_classes)(layers.GlobalAveragePooling2D()(x)))


def of_architecture(**changed: Any) -> set[str]:
    given = {
        "name": "own",
        "summary": "s",
        "reference": "r",
        "build": build,
        "parameters": 122,
        "input_shape": (64, 64, 3),
    }
    one = Architecture(**{**given, **changed})
    own = SimpleNamespace(
        __name__="own", zoo_architectures=hookimpl(lambda: [one], specname="zoo_architectures")
    )
    return misfits(check_architecture("own", registry=load_registry(own)))


@pytest.mark.slow
def test_an_architecture_that_is_right_is_trained_explained_and_exported() -> None:
    assert of_architecture() == set()


def test_what_is_wrong_with_an_architecture_is_told() -> None:
    def random(input_shape: Any, num_classes: int) -> Any:
        import keras
        from keras import layers

        class Drawn(layers.Layer):
            def call(self, x: Any) -> Any:
                return x + keras.random.normal(keras.ops.shape(x))

        pixels = keras.Input(input_shape)
        x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(Drawn()(pixels)))
        return keras.Model(pixels, layers.Dense(num_classes)(x))

    def fixed(input_shape: Any, num_classes: int) -> Any:
        return build((64, 64, 3), num_classes)

    assert {"parameters", "deterministic"} <= of_architecture(build=random, parameters=1)
    found = of_architecture(build=fixed, parameters=3, reference="")
    assert {"parameters", "settings", "shapes"} <= found
    with pytest.raises(UnknownName):
        check_architecture("nobody")


# Readers.


class Files:
    """A data set that is drawn, and what may be wrong with one."""

    def __init__(self, **changed: Any) -> None:
        self.changed = changed

    def open(self, location: str, options: dict[str, str]) -> Dataset | None:
        from zoo import check_options

        if location != "own:set":
            return None
        check_options("own", options, ())
        samples = tuple(Sample(f"s{i}", i % 2, f"p{i}") for i in range(12))
        given = {
            "source": location,
            "class_names": ("A", "B"),
            "samples": samples,
            "read": self.read,
            "digest": lambda sample: f"{samples.index(sample):016x}",
        }
        return Dataset(**{**given, **self.changed})

    @staticmethod
    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        value = int(sample.name[1:]) * 10
        return np.full((*(size or (20, 30)), 3), value, np.uint8)


def of_reader(opened: Callable[..., Any]) -> set[str]:
    registry = Registry({}, {}, {"package:own": opened}, {}, ())
    return misfits(check_reader("own", "own:set", registry=registry))


def test_a_reader_that_is_right_keeps_all_promises() -> None:
    assert of_reader(Files().open) == set()
    with pytest.raises(UnknownName):
        check_reader("nobody", "own:set")


def test_what_is_wrong_with_a_reader_is_told() -> None:
    count = itertools.count()

    def greedy(_location: str, options: dict[str, str]) -> Dataset | None:
        return Files().open("own:set", options)

    def lenient(location: str, _options: dict[str, str]) -> Dataset | None:
        return Files().open(location, {})

    def strange(location: str, options: dict[str, str]) -> Dataset | None:
        if options:
            raise BadInput("no")
        return Files().open(location, {})

    one_patient = tuple(Sample(f"s{i}", i % 2, "p") for i in range(12))
    assert of_reader(greedy) == {"foreign"}
    assert of_reader(lenient) == {"options"}
    assert of_reader(strange) == {"options"}
    assert of_reader(Files(digest=lambda _: "0" * 16).open) == {"digests"}
    assert of_reader(Files(digest=lambda _: f"{next(count):016x}").open) == {"digests"}
    assert of_reader(Files(read=lambda s, _: Files.read(s, (9, 9))).open) >= {"pixels"}
    everyone = Files(samples=one_patient, digest=lambda sample: f"{int(sample.name[1:]):016x}")
    assert of_reader(everyone.open) == {"patients"}
    assert of_reader(Files(class_names=("A",)).open) == {"opened"}


def test_a_reader_that_shares_its_place_between_threads_is_found_out() -> None:
    shared = {"name": ""}

    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        import time

        shared["name"] = sample.name
        time.sleep(0.002)
        return Files.read(replace(sample, name=shared["name"]), size)

    assert of_reader(Files(read=read).open) == {"threads"}


# Image formats.

SIDES = struct.Struct("<4sBB")
WHOLE = SIDES.pack(b"OWN1", 5, 4) + bytes(range(20))


def header(content: bytes, name: str) -> Header:
    if len(content) < SIDES.size or content[:4] != b"OWN1":
        raise BadInput(f"'{name}' is none.")
    _, width, height = SIDES.unpack_from(content)
    return Header(width or 1, height or 1, "L", len(content))


def read(content: bytes, name: str) -> np.ndarray:
    told = header(content, name)
    pixels = np.frombuffer(content, np.uint8, offset=SIDES.size)
    if len(pixels) != told.width * told.height:
        raise BadInput(f"'{name}' is cut off.")
    return pixels.reshape(told.height, told.width)


def careless(content: bytes, name: str) -> np.ndarray:
    told = header(content, name)
    return np.frombuffer(content, np.uint8, offset=SIDES.size).reshape(told.height, told.width)


def nameless(content: bytes, name: str) -> np.ndarray:
    try:
        return read(content, name)
    except BadInput:
        raise BadInput("It is cut off.") from None


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({}, set()),
        ({"read": careless}, {"cut off", "damaged"}),
        ({"read": nameless}, {"cut off", "damaged"}),
        ({"read": lambda content, name: read(content, name).T}, {"pixels"}),
        ({"header": lambda *_: None}, {"header", "pixels"}),
        ({"recognises": lambda _: True}, {"recognised"}),
        ({"recognises": lambda _: False}, {"recognised"}),
    ],
)
def test_what_is_wrong_with_a_format_is_told(
    changed: dict[str, Any], wrong: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "name": "own",
        "summary": "s",
        "extensions": (".own",),
        "recognises": lambda head: head[:4] == b"OWN1",
        "read": read,
        "header": header,
    }
    kind = ImageFormat(**{**given, **changed})
    monkeypatch.setattr(formats, "installed", lambda: (kind,))
    assert misfits(check_image_format("own", [WHOLE])) == wrong


def test_without_a_file_nothing_is_proven(tmp_path: Path) -> None:
    assert "recognised" in misfits(check_image_format("dicom", []))
    with pytest.raises(UnknownName):
        check_image_format("nobody", [])
