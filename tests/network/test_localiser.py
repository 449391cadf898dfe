"""The localiser that comes with the package finds lungs, and nothing where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import cbook
from PIL import Image
from sklearn.datasets import load_sample_image

from plugins.readers.phantom.cohort import Cohort
from zoo import BadInput
from zoo.base.pictures.pixel_arrays import resize
from zoo.network import localiser
from zoo.network.boxes import DESCRIPTION, FindBox, described
from zoo.network.localiser import LUNGS, SIDE, Localiser
from zoo.training.localiser import measure, pairs

SHAPE = (160, 160, 3)
COUNT = 24


@pytest.fixture(scope="module")
def lungs() -> Localiser:
    return localiser.lungs()


@pytest.fixture(scope="module")
def network(lungs):
    return lungs.network(SHAPE)


@pytest.fixture(scope="module")
def radiographs() -> tuple[np.ndarray, np.ndarray]:
    """Give synthetic radiographs `(n, 160, 160, 3)` and their exact lung masks."""
    cohort = Cohort(seed=11, size=SHAPE[0], prevalence=0.5, difficulty=0.3, extent=1.0)
    samples = cohort.samples(COUNT)
    return (
        np.stack([cohort.read(sample, None) for sample in samples]),
        np.stack([cohort.lungs(sample, None) for sample in samples]),
    )


def boxes_of(network, lungs, pixels) -> np.ndarray:
    return np.asarray(FindBox(lungs.limits)(network(np.float32(pixels))))


def whole(box: np.ndarray) -> bool:
    return box.tolist() == [0, 0, 1, 1]


def test_lungs_are_found_where_they_are(lungs, radiographs):
    dice, overlap = measure(lungs.network((SIDE, SIDE, 1)), pairs(*radiographs))
    assert dice.mean() > 0.93
    assert dice.min() > 0.85
    assert overlap.mean() > 0.90
    assert overlap.min() > 0.80


def test_the_box_holds_all_of_the_lungs_and_is_not_the_whole(network, lungs, radiographs):
    pixels, masks = radiographs
    for box, mask in zip(boxes_of(network, lungs, pixels), masks, strict=True):
        top, left, bottom, right = np.rint(box * SHAPE[0]).astype(int)
        assert mask[top:bottom, left:right].sum() > 0.99 * mask.sum()
        assert not whole(box)


def test_exposure_channels_and_size_hardly_matter(lungs, network, radiographs):
    pixels = np.float32(radiographs[0])
    wanted = np.asarray(described(network(pixels))[0])
    large = np.stack([resize(picture, (320, 300)) for picture in radiographs[0]])
    for other in (
        network(40 + 0.5 * pixels),
        network(255 * (pixels / 255) ** 1.5),
        lungs.network((160, 160, 1))(pixels[..., :1]),
        lungs.network((320, 300, 3))(np.float32(large)),
    ):
        assert np.abs(np.asarray(described(other)[0]) - wanted).max() < 0.06


def photographs() -> list[np.ndarray]:
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        portrait = np.asarray(Image.open(file).convert("RGB"))
    return [load_sample_image("china.jpg"), load_sample_image("flower.jpg"), portrait]


def without_lungs() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 160)
    rings = 127 + 127 * np.sin(np.hypot(ramp - 90, ramp[:, None] - 140) / 9)
    gray = {
        "black": np.zeros((160, 160)),
        "white": np.full((160, 160), 255),
        "noise": random.integers(0, 256, (160, 160)),
        "a ramp": np.tile(ramp, (160, 1)),
        "a slope": (ramp + ramp[:, None]) / 2,
        "rings": rings,
    }
    named = {name: np.repeat(np.uint8(one)[..., None], 3, -1) for name, one in gray.items()}
    for number, photograph in enumerate(photographs()):
        named[f"photograph {number}"] = resize(photograph, SHAPE[:2])
    return named


def test_a_picture_without_lungs_is_seen_whole(network, lungs):
    pictures = without_lungs()
    found = boxes_of(network, lungs, np.stack(list(pictures.values())))
    assert [name for name, box in zip(pictures, found, strict=True) if not whole(box)] == []


def test_a_single_lung_is_seen_in_the_whole_picture(network, lungs, radiographs):
    half = radiographs[0].copy()
    half[:, :, 80:] = 200
    found = boxes_of(network, lungs, half)
    # A box around a lung that hides the other one would be worse than none.
    assert sum(whole(box) or box[3] > 0.7 for box in found) >= 0.9 * COUNT


def test_the_file_is_small_says_whose_masks_it_is_made_of_and_how_good_it_is(lungs):
    assert LUNGS.stat().st_size < 700_000
    assert "V7 Labs" in lungs.attribution
    assert "CC BY 4.0" in lungs.attribution
    assert lungs.dice > 0.93
    assert lungs.overlap > 0.90
    assert lungs.masks > 500
    assert lungs.limits.shape == (len(DESCRIPTION), 2)


def test_nothing_of_it_is_trainable(network):
    assert network.trainable_weights == []
    assert len(network.non_trainable_weights) == len(localiser.weights_of(network))


def test_it_is_written_and_read(lungs, tmp_path):
    localiser.save(tmp_path / "own.npz", replace(lungs, attribution="mine", masks=3))
    read = localiser.load(tmp_path / "own.npz")
    assert (read.attribution, read.masks, read.dice) == ("mine", 3, lungs.dice)
    assert read.weights.keys() == lungs.weights.keys()
    assert all((read.weights[name] == lungs.weights[name]).all() for name in read.weights)


def test_a_damaged_or_missing_file_is_told(tmp_path):
    (tmp_path / "bad.npz").write_bytes(b"x")
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    for name in ("bad.npz", "other.npz", "none.npz"):
        with pytest.raises(BadInput, match=f"localiser '.*{name}' cannot be read"):
            localiser.load(tmp_path / name)


def test_weights_of_another_network_are_refused(lungs):
    fewer = {name: lungs.weights[name] for name in list(lungs.weights)[:-1]}
    with pytest.raises(BadInput, match="other weights"):
        replace(lungs, weights=fewer).network(SHAPE)
