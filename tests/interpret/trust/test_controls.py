"""Maps that know nothing of the network."""

from __future__ import annotations

import numpy as np

from zoo.interpret.trust.controls import controls, lung_maps, moved


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
    assert (edges.argmax(axis=1) == 27).all() or (edges.argmax(axis=1) == 28).all()
    assert edges[:, :10].max() == edges[:, 46:].max() == 0


def test_a_moved_map_has_the_values_of_the_map_elsewhere() -> None:
    maps = np.random.default_rng(3).normal(size=(3, 40, 56)).astype(np.float32)
    found = moved(maps, pictures())
    assert list(found) == ["moved 1", "moved 2", "moved 3", "moved 4"]
    for copies in found.values():
        assert copies.shape == maps.shape
        for copy, own in zip(copies, maps, strict=True):
            np.testing.assert_array_equal(np.sort(copy, axis=None), np.sort(own, axis=None))
            assert abs(np.corrcoef(copy.ravel(), own.ravel())[0, 1]) < 0.2
    first, *others = found.values()
    assert all((first != other).any() for other in others)


def test_a_moved_map_is_as_coarse_as_it_was() -> None:
    own = np.zeros((1, 40, 56), np.float32)
    own[0, 3:11, 40:50] = 1  # one blot, which may be cut in two by the frame
    for (copy,) in moved(own, pictures(1), copies=8).values():
        changes = np.abs(np.diff(copy, axis=0)).sum() + np.abs(np.diff(copy, axis=1)).sum()
        assert copy.sum() == 80
        assert changes <= 2 * (8 + 10)


def test_where_a_map_is_moved_to_follows_from_the_image_and_the_seed() -> None:
    pixels, maps = pictures(), np.random.default_rng(3).random((3, 40, 56))
    alone, together = moved(maps[2:], pixels[2:]), moved(maps, pixels)
    other = moved(maps, pixels, seed=1)
    for name, copies in together.items():
        np.testing.assert_array_equal(alone[name][0], copies[2])
        assert (copies != other[name]).any()
    assert list(moved(maps, pixels, copies=1)) == ["moved 1"]
    assert moved(maps[:0], pixels[:0])["moved 1"].shape == (0, 40, 56)


def test_the_lungs_are_marked_most_in_their_middle() -> None:
    mask = np.zeros((40, 56), bool)
    mask[10:31, 8:19] = True
    (marked,) = lung_maps([mask])
    assert (marked > 0).tolist() == mask.tolist()
    assert np.unravel_index(marked.argmax(), marked.shape)[1] == 13
    assert lung_maps([np.zeros((40, 56), bool)]).max() == 0
