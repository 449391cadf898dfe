from __future__ import annotations

import pickle
import time
import warnings

import numpy as np
import pytest

from plugins.readers.phantom import LIMITS, anatomy, drawing, exposure, zoo_read_dataset
from plugins.readers.phantom.cohort import Cohort
from zoo import Dataset, InvalidSetting, UnknownName


def phantom(**options: str) -> Dataset:
    dataset = zoo_read_dataset("phantom", options)
    assert dataset is not None
    return dataset


@pytest.fixture(scope="module")
def drawn() -> tuple[Dataset, np.ndarray, np.ndarray]:
    dataset = phantom(size="112")
    pixels = np.stack([dataset.read(sample, None)[..., 0] for sample in dataset.samples])
    return dataset, pixels.astype(np.float32), np.array([s.label for s in dataset.samples])


def test_other_locations_are_declined() -> None:
    assert zoo_read_dataset("phantoms", {}) is None
    assert zoo_read_dataset("./phantom", {}) is None


def test_the_index() -> None:
    dataset = phantom(images="50")
    assert dataset.class_names == ("NORMAL", "PNEUMONIA")
    assert dataset.synthetic
    assert "synthetic" in dataset.notes[0]
    names = [sample.name for sample in dataset.samples]
    assert len(names) == len(set(names)) == 50
    assert names == sorted(names)
    assert not any(word in name.upper() for name in names for word in dataset.class_names)


def test_patients_have_one_to_three_images_and_one_diagnosis() -> None:
    samples = phantom(images="300").samples
    groups: dict[str, list[int]] = {}
    for sample in samples:
        groups.setdefault(sample.patient, []).append(sample.label)
    assert {len(labels) for labels in groups.values()} == {1, 2, 3}
    assert all(len(set(labels)) == 1 for labels in groups.values())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_prevalence(share: float) -> None:
    labels = [sample.label for sample in phantom(prevalence=str(share), images="1000").samples]
    assert np.mean(labels) == pytest.approx(share, abs=0.05)


def test_options_are_checked() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'images'"):
        phantom(image="5")
    wrong = {
        "images": "4",
        "seed": "-1",
        "size": "2.5",
        "prevalence": "nan",
        "difficulty": "hard",
        "extent": "9",
    }
    assert set(wrong) == set(LIMITS)
    for name, text in wrong.items():
        with pytest.raises(InvalidSetting, match=f"{name}={text}"):
            phantom(**{name: text})


def test_the_same_seed_gives_the_same_pixels_and_another_gives_others() -> None:
    first, again, other = phantom(seed="1"), phantom(seed="1"), phantom(seed="2")
    sample = first.samples[3]
    np.testing.assert_array_equal(first.read(sample, None), again.read(sample, None))
    assert first.digest(sample) == again.digest(sample)
    assert (first.read(sample, None) != other.read(sample, None)).mean() > 0.5
    assert first.digest(sample) != other.digest(sample)


def test_the_number_of_images_does_not_change_them() -> None:
    few, many = phantom(images="20"), phantom(images="40")
    assert [s.patient for s in few.samples] == [s.patient for s in many.samples[:20]]
    np.testing.assert_array_equal(few.read(few.samples[7], None), many.read(many.samples[7], None))


def test_the_reader_travels_to_another_process() -> None:
    dataset = phantom()
    read = pickle.loads(pickle.dumps(dataset.read))  # noqa: S301
    sample = dataset.samples[0]
    np.testing.assert_array_equal(read(sample, None), dataset.read(sample, None))


@pytest.mark.parametrize("size", [None, (180, 200)])
def test_shapes(size: tuple[int, int] | None) -> None:
    dataset = phantom(size="96")
    assert dataset.mask is not None
    height, width = size or (96, 96)
    pixels, mask = (get(dataset.samples[0], size) for get in (dataset.read, dataset.mask))
    assert pixels.shape == (height, width, 3)
    assert mask.shape == (height, width)
    assert pixels.dtype == np.uint8
    assert mask.dtype == np.bool_


def test_the_mask_is_in_the_lungs_of_the_diseased_only(
    drawn: tuple[Dataset, np.ndarray, np.ndarray],
) -> None:
    dataset, _, labels = drawn
    assert dataset.mask is not None
    for sample in dataset.samples[:80]:
        mask = dataset.mask(sample, None)
        assert mask.any() == bool(labels[dataset.samples.index(sample)])
        assert mask.mean() < 0.25
        assert not (mask[:8].any())
        assert not (mask[-8:].any())
        assert not (mask[:, :4].any())
        assert not (mask[:, -4:].any())


def test_the_lungs_are_two_fields_of_air_that_hold_every_opacity() -> None:
    cohort = Cohort(seed=0, size=128, prevalence=0.5, difficulty=0.5, extent=1.0)
    for sample in cohort.samples(20):
        lungs, pixels = cohort.lungs(sample, None), cohort.read(sample, None)[..., 0]
        assert lungs.shape == (128, 128)
        assert lungs.dtype == np.bool_
        assert 0.15 < lungs.mean() < 0.5
        assert not lungs[:, 62:66].any()  # the spine, with some play for the pose
        assert 0.7 < lungs[:, :64].sum() / lungs[:, 64:].sum() < 1.4
        body = np.zeros_like(lungs)
        body[20:120, 15:113] = True
        if not sample.label:
            assert pixels[lungs].mean() < pixels[body & ~lungs].mean()
        assert (lungs | ~cohort.mask(sample, None)).mean() > 0.99
    assert cohort.lungs(cohort.samples(1)[0], (64, 96)).shape == (64, 96)


def test_an_opacity_brightens_the_film_where_the_mask_is() -> None:
    rng = np.random.default_rng(0)
    body, pose = anatomy.draw_body(rng), anatomy.Pose(0.05, 1.0, (0.02, 0.0), (0.1, 0.0))
    opacities = anatomy.draw_opacities(rng, 0.5)
    ill = anatomy.Scene(128, body, pose, opacities)
    well = anatomy.Scene(128, body, pose, ())
    more = drawing.attenuation(ill) - drawing.attenuation(well)
    mask = drawing.opacity_mask(ill)
    assert np.mean(more[mask] > 0) > 0.95
    assert more[mask].mean() > 0.1
    assert more[~mask].mean() < 0  # the rest of the lungs takes more air instead
    assert more.mean() == pytest.approx(0, abs=1e-4)  # so that the sum tells nothing


def test_difficulty_makes_opacities_fainter() -> None:
    easy, hard = (
        [anatomy.draw_opacities(np.random.default_rng(n), level)[0].density for n in range(20)]
        for level in (0.0, 1.0)
    )
    assert all(faint < clear / 2 for faint, clear in zip(hard, easy, strict=True))


def test_extent_makes_opacities_larger() -> None:
    small, large = (
        [anatomy.draw_opacities(np.random.default_rng(n), 0.5, extent)[0] for n in range(5)]
        for extent in (1.0, 2.0)
    )
    for one, other in zip(small, large, strict=True):
        assert other.radius == 2 * one.radius
        assert (other.across, other.density, other.seed) == (one.across, one.density, one.seed)


def test_the_anatomy_is_that_of_a_chest() -> None:
    body = anatomy.draw_body(np.random.default_rng(1))
    scene = anatomy.Scene(200, body, anatomy.Pose(0.0, 1.0, (0.0, 0.0), (0.0, 0.0)), ())
    film = drawing.attenuation(scene)
    right_lung, left_lung = film[80:100, 50:60].mean(), film[80:100, 140:150].mean()
    spine, heart, liver = film[60:140, 97:103].mean(), film[120:130, 106:116].mean(), film[-25:, 60]
    assert max(right_lung, left_lung) < 0.7 * min(spine, heart, liver.mean())
    assert film[2, 2] < 0.1  # air beside the neck


def test_a_take_changes_the_exposure_but_not_the_order_of_gray() -> None:
    ramp = np.tile(np.linspace(0, 1.5, 64, dtype=np.float32), (64, 1))
    for number in range(5):
        take = exposure.draw(np.random.default_rng(number))
        film = exposure.expose(ramp, take, np.random.default_rng(0))[30:].mean(axis=0)
        assert film[:16].mean() < film[24:40].mean() < film[48:].mean()


def cross_validated_auc(features: np.ndarray, dataset: Dataset, labels: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    people = [sample.patient for sample in dataset.samples]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence is not what is tested
        scores = cross_val_predict(
            model, features, labels, groups=people, cv=GroupKFold(5), method="predict_proba"
        )
    return float(roc_auc_score(labels, scores[:, 1]))


def test_exposure_and_border_do_not_tell_the_class(
    drawn: tuple[Dataset, np.ndarray, np.ndarray],
) -> None:
    dataset, pixels, labels = drawn
    overall = np.stack([pixels.mean((1, 2)), pixels.std((1, 2))], axis=1)
    rim = np.stack(
        [
            part.reshape(len(pixels), 8, -1).mean(2)
            for part in (
                pixels[:, :6].transpose(0, 2, 1),
                pixels[:, -6:].transpose(0, 2, 1),
                pixels[:, :, :6],
                pixels[:, :, -6:],
            )
        ],
        axis=1,
    ).reshape(len(pixels), -1)
    for features in (overall, rim, np.hstack([overall, rim])):
        assert cross_validated_auc(features, dataset, labels) < 0.62


def test_an_image_is_drawn_fast() -> None:
    dataset = phantom()
    dataset.read(dataset.samples[0], None)
    times = []
    for sample in dataset.samples[:20]:
        start = time.process_time()
        dataset.read(sample, None)
        times.append(time.process_time() - start)
    assert min(times) < 0.05  # about 0.011 when nothing else runs


def test_attributes_tell_how_an_image_was_taken() -> None:
    dataset = phantom(images="60", size="64")
    marker = pickle.loads(pickle.dumps(dataset.attributes["marker"]))  # noqa: S301
    told = {sample.name: marker(sample) for sample in dataset.samples}
    assert set(told.values()) == {"left", "none", "right"}
    for side, corner in (("left", np.s_[:12, :12]), ("right", np.s_[:12, -12:])):
        lead = {
            is_there: np.mean(
                [
                    (dataset.read(sample, None)[..., 0][corner] >= 240).sum()
                    for sample in dataset.samples
                    if (told[sample.name] == side) == is_there
                ]
            )
            for is_there in (True, False)
        }
        assert lead[True] > lead[False] + 8, "the letter is where it is said to be"
    contrasts = [float(dataset.attributes["contrast"](sample)) for sample in dataset.samples]
    assert 2.6 <= min(contrasts) < 3.2 < 3.8 < max(contrasts) <= 4.4
