"""Maps that know nothing of the network."""

from __future__ import annotations

import numpy as np

from zoo.interpret.trust.controls import controls


def pictures(count: int = 3, height: int = 40, width: int = 56) -> np.ndarray:
    noise = np.random.default_rng(5).integers(0, 256, (count, height, width, 3))
    return noise.astype(np.uint8)


def test_every_control_is_a_map_of_each_image() -> None:
    found = controls(pictures())
    assert list(found) == ["random", "blurred random", "centre", "edges"]
    for maps in found.values():
        assert maps.shape == (3, 40, 56)
        assert maps.dtype == np.float32
        assert np.isfinite(maps).all()
        assert maps.min() >= 0


def test_no_image_has_no_map() -> None:
    assert controls(pictures()[:0])["edges"].shape == (0, 40, 56)


def test_random_numbers_follow_from_the_image_and_the_seed() -> None:
    pixels = pictures()
    alone, together = controls(pixels[2:]), controls(pixels)
    other = controls(pixels, seed=1)
    for name in ("random", "blurred random"):
        np.testing.assert_array_equal(alone[name][0], together[name][2])
        assert abs(np.corrcoef(together[name][0].ravel(), together[name][1].ravel())[0, 1]) < 0.5
        assert (together[name] != other[name]).any()
    assert abs(np.corrcoef(together["random"][0].ravel(), other["random"][0].ravel())[0, 1]) < 0.1


def test_the_blurred_one_is_smooth() -> None:
    found = controls(pictures())

    def roughness(maps: np.ndarray) -> float:
        return float(np.abs(np.diff(maps, axis=2)).mean() / maps.std())

    assert roughness(found["blurred random"]) < 0.3 * roughness(found["random"])


def test_the_centre_is_highest_in_the_middle_and_even_on_all_sides() -> None:
    centre = controls(pictures())["centre"][0]
    assert np.unravel_index(centre.argmax(), centre.shape) in {(19, 27), (19, 28), (20, 27)}
    np.testing.assert_allclose(centre, centre[::-1, ::-1])
    assert centre[0, 0] < 0.2 * centre.max()


def test_edges_are_where_the_gray_level_changes() -> None:
    pixels = np.zeros((1, 40, 56, 1), np.uint8)
    pixels[0, :, 28:] = 200
    edges = controls(pixels)["edges"][0]
    assert (edges[:, 27:29] > 0).all()
    assert edges[:, :27].max() == edges[:, 29:].max() == 0
