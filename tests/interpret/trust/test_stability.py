"""Maps that stay, and maps that change with what nobody sees."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from whole_pictures import WholePictures

from explain import shapley, smoothgrad
from zoo import Attribution, Explainer, Images, Option
from zoo.interpret.trust import stability

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 1), np.uint8)


class Whole(WholePictures):
    """A classifier of whole pictures, which only its methods ask."""

    inner = SimpleNamespace(input_shape=(None, 24, 24, 3))


def images_of(pixels) -> Images:
    names = tuple(f"image {i}" for i in range(len(pixels)))
    return Images(pixels, names, (None,) * len(names), names)


def explainer(draw, **options) -> Explainer:
    """A method whose map is `draw(pixels, seed)` of one image."""

    def explain(classifier, images, targets, reference, *, seed=0):
        return [
            Attribution("own", target, draw(pixels[..., 0].astype(np.float32), seed))
            for pixels, target in zip(images.pixels, targets, strict=True)
        ]

    return Explainer(name="own", summary="", explain=explain, options=options)


def judged(method, **how):
    images = images_of(PIXELS)
    own = method.explain(None, images, [0] * 3, None)
    maps = np.stack([one.values for one in own])
    return stability.stability_test(method, {}, Whole(), images, [0] * 3, None, maps, **how)


def test_a_map_of_the_image_stays():
    for found in judged(explainer(lambda pixels, seed: pixels)):
        assert found.noise > 0.99
        assert found.repeat is None


def test_a_map_of_the_last_bit_does_not():
    for found in judged(explainer(lambda pixels, seed: pixels % 2)):
        assert abs(found.noise) < 0.5


def test_random_numbers_are_told_by_the_option_seed():
    def draw(pixels, seed):
        return np.random.default_rng(seed).random(pixels.shape, np.float32)

    for found in judged(explainer(draw, seed=Option(0, ""))):
        assert found.noise == pytest.approx(1)  # the same seed: what noise does is not mixed in
        assert abs(found.repeat) < 0.15


def test_noise_is_invisible_and_the_same_for_every_image():
    seen = []

    def draw(pixels, seed):
        seen.append(pixels)
        return pixels

    judged(explainer(draw), tries=2)
    shown = np.stack(seen)[3:].reshape(2, 3, 24, 24)
    difference = shown - PIXELS[..., 0].astype(int)
    assert set(np.unique(difference)) == {-1, 0, 1}
    assert shown.min() >= 0
    assert shown.max() <= 255
    inner = (PIXELS[..., 0] > 0).all(axis=0) & (PIXELS[..., 0] < 255).all(axis=0)
    assert (difference[:, 0] == difference[:, 1])[:, inner].all()
    assert (difference[0] != difference[1]).any()


def test_tries_are_put_side_by_side_for_all_methods_alike():
    noisy = stability.Noisy(images_of(PIXELS))
    (shown,) = noisy.tries(3)
    assert noisy.tries(3) == [shown]
    assert shown.pixels.shape == (9, 24, 24, 1)
    assert not shown.pixels.flags.writeable  # so that what is computed of it is remembered
    assert shown.names[3:6] == ("image 0", "image 1", "image 2")
    many = images_of(np.repeat(PIXELS, 7, axis=0))
    assert [len(one.names) for one in stability.Noisy(many).tries(2)] == [21, 21]
    one_by_one = [part.pixels for part in stability.Noisy(many).tries(2)]
    np.testing.assert_array_equal(np.stack(one_by_one)[:, ::7], np.split(shown.pixels, 3)[:2])


def test_what_was_not_tried_is_none():
    (found, *_) = judged(explainer(lambda pixels, seed: pixels), tries=0)
    assert found == stability.Stability(None, None, 0, 0)


@pytest.mark.parametrize("module", [smoothgrad, shapley])
def test_methods_with_random_numbers_say_so(module):
    (declared,) = module.zoo_explainers()
    assert declared.options[stability.SEED].default == 0


def test_another_seed_gives_smoothgrad_other_noise(trained):
    from zoo.runs import model_file

    classifier = model_file.load_classifier(trained)
    images = images_of(np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8))
    one, same, other = (
        smoothgrad.explain(classifier, images, [0], samples=4, seed=seed)[0].values
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
