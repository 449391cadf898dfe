"""What a training lets its network see: lungs where they are shown, what masks show, or all."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest

from plugins.readers.phantom.cohort import Cohort
from zoo import Architecture, BadInput, Dataset, Sample
from zoo.base.patients import CHEST
from zoo.base.pictures.pixel_arrays import encode_jpeg
from zoo.base.progress import SILENT, Silent
from zoo.base.recipe import Recipe
from zoo.base.types import TEST, TRAIN, VALIDATION
from zoo.data.verify import Verified
from zoo.network import frame, localiser
from zoo.network.cutting import cut
from zoo.training import framing
from zoo.training import localiser as own
from zoo.training.plan import Plan

SEEN, READ = (96, 80, 3), (137, 114)
COHORT = Cohort(seed=4, size=160, prevalence=0.5, difficulty=0.3, extent=1.0)


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(framing, "LOOKED_AT", 6)


class Listener(Silent):
    """Keeps what is told."""

    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


def plan(seen=SEEN, masks=None, seed=0, **recipe) -> Plan:
    network = Architecture(
        name="n", summary="s", build=lambda *_: None, parameters=1, input_shape=SEEN
    )
    return Plan(network, Recipe(seed=seed, **recipe), {}, seen, "here", None, False, masks)


def dataset(read, count=9, subject="", name="phantom{:06d}-0") -> Dataset:
    samples = tuple(Sample(name.format(n), n % 2, str(n)) for n in range(count))
    return Dataset(
        source="here",
        class_names=("a", "b"),
        samples=samples,
        read=read,
        digest=lambda s: f"{samples.index(s):016x}",
        subject=subject,
    )


def parted(data: Dataset):
    third = len(data.samples) // 3
    ends = {TRAIN: (0, third), VALIDATION: (third, 2 * third), TEST: (2 * third, None)}
    return {part: data.samples[start:end] for part, (start, end) in ends.items()}


def chosen(asked: Plan, data: Dataset, progress=SILENT) -> framing.Framing:
    verified = Verified(data, {s.name: data.digest(s) for s in data.samples}, ())
    return framing.choose(asked, verified, parted(data), progress)


def noise(sample, size):
    random = np.random.default_rng(int(sample.patient))
    return random.integers(0, 256, (*size, 3), np.uint8)


def landscape(sample, size):
    """Draw a bright sky over dark ground with a sun, somewhere else in each picture."""
    random = np.random.default_rng(int(sample.patient))
    down, across = np.mgrid[: size[0], : size[1]] / np.array(size)[:, None, None]
    horizon, (y, x) = random.uniform(0.3, 0.7), random.uniform(0.1, 0.9, 2)
    gray = np.where(down < horizon, 200, 70) + 20 * np.sin(9 * across + 5 * down)
    gray = np.where((down - y) ** 2 + (across - x) ** 2 < 0.01, 250, gray)
    return np.clip(gray, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=-1)


def ultrasound(sample, size):
    """Draw a dark oval in speckle of 28 x 28, as sets of breast ultrasound in that size show it."""
    random = np.random.default_rng(int(sample.patient))
    down, across = np.mgrid[:28, :28] / 28
    y, x, tall, wide = random.uniform([0.4, 0.4, 0.1, 0.1], [0.6, 0.6, 0.2, 0.3])
    tissue = 90 * random.rayleigh(0.8, (28, 28)) * (1.3 - down)
    inside = ((down - y) / tall) ** 2 + ((across - x) / wide) ** 2 < 1
    gray = np.clip(np.where(inside, 0.2, 1) * tissue, 0, 255).astype(np.float32)
    whole = np.array([[0, 0, 1, 1]], np.float32)
    enlarged = np.asarray(cut(gray[None, ..., None], whole, size))[0]
    return np.rint(enlarged).astype(np.uint8).repeat(3, axis=-1)


@pytest.mark.parametrize("subject", [CHEST, ""])
def test_radiographs_of_the_chest_are_cut_to_the_lungs(subject):
    data, told = dataset(COHORT.read, subject=subject), Listener()
    found = chosen(plan(), data, told)
    assert found.name == "lungs"
    assert found.localiser is not None
    assert found.localiser.key == localiser.lungs().key
    assert told.notes == []
    frames = found.frames
    assert frames is not None
    assert frames.reading == READ
    assert set(frames.boxes) == {data.digest(s) for s in data.samples}
    for sample, box in zip(data.samples, frames.of(list(frames.boxes)), strict=True):
        lungs = own.around(COHORT.lungs(sample, READ)[None])
        assert own.overlaps(lungs, box[None])[0] > 0.75
    network = frame.finder(found.localiser, SEEN)
    pictures = np.stack([data.read(s, READ) for s in data.samples])
    np.testing.assert_allclose(
        frames.of([data.digest(s) for s in data.samples]), network(pictures), atol=1e-3
    )


@pytest.mark.parametrize("read", [noise, landscape, ultrasound])
def test_pictures_of_other_things_are_seen_whole(read):
    found = chosen(plan(), dataset(read))
    assert (found.name, found.frames, found.localiser) == ("whole", None, None)


def test_some_odd_pictures_among_radiographs_are_seen_whole_and_told():
    def read(sample, size):
        return (noise if sample.patient == "7" else COHORT.read)(sample, size)

    told = Listener()
    found = chosen(plan(), dataset(read, subject=CHEST), told)
    assert found.name == "lungs"
    assert frame.found(found.frames.of([f"{n:016x}" for n in range(9)])).sum() == 8
    (line,) = told.notes
    assert line.startswith("In 1 of 9 images nothing plausible was found")


def test_lungs_that_are_asked_for_are_looked_for_in_anything():
    found = chosen(plan(frame="lungs"), dataset(noise), told := Listener())
    assert found.name == "lungs"
    assert len(told.notes) == 1


def test_whole_pictures_are_seen_where_that_is_asked_for_and_where_they_are_small():
    data = dataset(COHORT.read, subject=CHEST)
    for asked in (plan(frame="whole"), plan(seen=(64, 64, 3)), plan(seen=(224, 28, 1))):
        found = chosen(asked, data)
        assert (found.name, found.frames, found.localiser) == ("whole", None, None)


@pytest.fixture
def masked(tmp_path):
    """Sixty radiographs with masks of their lungs."""
    data = dataset(COHORT.read, 63, CHEST)
    for sample in data.samples:
        mask = COHORT.lungs(sample, (64, 64))[..., None].repeat(3, -1)
        path = tmp_path / "masks" / f"{sample.name}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode_jpeg(np.uint8(mask * 255)))
    return data, str(tmp_path / "masks")


@pytest.fixture
def trainings(monkeypatch):
    """Note how often a localiser is trained; it is that of the package with other limits."""
    done, signature = [], inspect.signature(own.train)

    def quick(*given, **named):
        asked = signature.bind(*given, **named).arguments
        assert asked["steps"] == own.STEPS
        done.append((len(asked["seen"]), len(asked["held"]), asked["seed"]))
        found = localiser.lungs()
        return replace(
            found, limits=found.limits + np.array([-0.01, 0.01]), masks=len(asked["held"])
        )

    monkeypatch.setattr(own, "train", quick)
    return done


def test_a_localiser_is_learned_from_own_masks_once(masked, trainings, tmp_path):
    data, folder = masked
    first = chosen(plan(masks=folder), data)
    assert first.name == "masks"
    assert trainings == [(21, 21, 0)]  # of the training and of the validation part
    assert first.localiser.key != localiser.lungs().key
    assert first.localiser.masks == 21
    again = chosen(plan(masks=folder), data)
    assert len(trainings) == 1
    assert again.localiser.key == first.localiser.key
    assert again.frames.key == first.frames.key
    whole = chosen(plan(masks=folder, frame="whole"), data)  # to judge heat maps by
    assert (whole.name, whole.frames) == ("whole", None)
    assert whole.localiser.key == first.localiser.key
    assert len(trainings) == 1
    (kept,) = (tmp_path / "cache" / "localisers").iterdir()
    kept.write_bytes(b"half")  # it is trained anew
    mended = chosen(plan(masks=folder, frame="whole"), data)
    assert len(trainings) == 2
    assert mended.localiser.key == first.localiser.key
    chosen(plan(masks=folder, frame="whole", seed=1), data)
    assert trainings[2:] == [(21, 21, 1)]


def test_a_localiser_that_cannot_be_kept_is_the_same_one(masked, trainings, tmp_path, monkeypatch):
    data, folder = masked
    kept = chosen(plan(masks=folder, frame="whole"), data)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    other = chosen(plan(masks=folder, frame="whole"), data)
    assert len(trainings) == 2
    assert other.localiser.key == kept.localiser.key
    for name, array in kept.localiser.weights.items():
        np.testing.assert_array_equal(other.localiser.weights[name], array)


def test_what_a_localiser_is_known_by_is_all_that_it_is_trained_from(monkeypatch):
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (4, 8, 8), np.uint8)
    one, other = (own.Pairs(pictures, random.random((4, 8, 8)) < 0.5) for _ in range(2))
    known = own.key_of(one, other, 0)
    assert known == own.key_of(one, other, 0)
    others = [own.key_of(other, one, 0), own.key_of(one, one, 0), own.key_of(one, other, 1)]
    monkeypatch.setattr(own, "STEPS", 7)
    others.append(own.key_of(one, other, 0))
    assert len({known, *others}) == 5


def test_too_few_masks_are_refused_before_anything_is_learned(masked, trainings, tmp_path):
    data, folder = masked
    for sample in parted(data)[VALIDATION][:2]:
        (tmp_path / "masks" / f"{sample.name}.jpg").unlink()
    with pytest.raises(BadInput, match="Only 19 of 21 images have a mask"):
        chosen(plan(masks=folder), data)
    assert trainings == []
    with pytest.raises(BadInput, match="no folder of masks"):
        chosen(plan(masks=str(tmp_path / "none")), data)
