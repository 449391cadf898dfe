"""A lung model finds the lungs of images like those it was fitted on."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from zoo import BadInput, DamagedRun, Dataset, Sample
from zoo.data import lungs, masks


def drawn(seed):
    """Draw a gray body with two dark lungs somewhere near the middle, and where they are."""
    random = np.random.default_rng(seed)
    across, down, size = (int(v) for v in random.integers([-6, -6, 18], [7, 7, 26]))
    image, mask = Image.new("L", (96, 96), 170), Image.new("L", (96, 96), 0)
    for middle in (30, 66):
        box = (middle + across - 12, 48 + down - size, middle + across + 12, 48 + down + size)
        ImageDraw.Draw(image).ellipse(box, fill=60)
        ImageDraw.Draw(mask).ellipse(box, fill=255)
    noisy = np.asarray(image) + random.normal(0, 8, (96, 96))
    return noisy.clip(0, 255).astype(np.uint8), mask


@pytest.fixture
def cohort(tmp_path):
    samples = tuple(Sample(f"{seed}.png", 0, str(seed)) for seed in range(120))
    for seed in range(120):
        drawn(seed)[1].save(tmp_path / f"{seed}.png")

    def read(sample, size):
        image = Image.fromarray(drawn(int(sample.patient))[0]).resize(size[::-1])
        return np.repeat(np.asarray(image)[..., None], 3, axis=-1)

    dataset = Dataset(
        source="drawn", class_names=("a", "b"), samples=samples, read=read, digest=lambda s: s.name
    )
    return dataset, masks.find_masks(tmp_path, samples)


def test_it_finds_the_lungs_of_other_patients(cohort, tmp_path):
    dataset, known = cohort
    model = lungs.fit_lungs(dataset, dataset.samples[:80], dataset.samples[80:], known)
    assert model.overlap > 0.9
    assert model.masks == 40
    image, mask = drawn(500)
    (found,) = model(np.repeat(image[None, ..., None], 3, axis=-1))
    truth = np.asarray(mask) > 0
    assert lungs.dice(found[None], truth[None])[0] > 0.85
    lungs.save(tmp_path / "lungs.npz", model)
    loaded = lungs.load(tmp_path / "lungs.npz")
    assert loaded.overlap == model.overlap
    assert (loaded(image[None, ..., None])[0] == found).mean() > 0.99


def test_a_run_without_a_model_has_none_and_a_damaged_one_is_told(tmp_path):
    assert lungs.load(tmp_path / "lungs.npz") is None
    (tmp_path / "lungs.npz").write_bytes(b"x")
    with pytest.raises(DamagedRun, match="lung model"):
        lungs.load(tmp_path / "lungs.npz")


def test_too_few_masks_are_refused(cohort):
    dataset, known = cohort
    with pytest.raises(BadInput, match="Only 5 of 5"):
        lungs.fit_lungs(dataset, dataset.samples[:80], dataset.samples[80:85], known)
