from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from zoo import BadInput, DamagedRun, Dataset, Header, Sample
from zoo.data import baseline_inputs, baselines
from zoo.data.baseline_inputs import BORDER, FILE, LUNGS, OUTSIDE, TITLES
from zoo.data.baselines import score_baselines
from zoo.stats.metrics import classification_metrics

COUNT = 40


def drawn(pixels: Mapping[str, np.ndarray], header: bool = True) -> Dataset:
    """A data set of gray pictures; the files of odd numbers are wider."""

    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        assert size == (56, 56)
        return np.repeat(pixels[sample.name][..., None], 3, axis=-1)

    samples = tuple(Sample(name, n % 2, f"p{n // 2}") for n, name in enumerate(pixels))
    return Dataset(
        source="here",
        class_names=("a", "b"),
        samples=samples,
        read=read,
        digest=lambda sample: sample.name,
        header=(lambda s: Header(200 + 100 * s.label, 200, "L", 1000)) if header else None,
    )


@pytest.fixture(scope="module")
def noise() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {f"i{n}": random.integers(0, 256, (56, 56), np.uint8) for n in range(COUNT)}


def grouped(count: int, patients: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Truth and patients whose images all have the patient's class."""
    who = np.random.default_rng(seed).integers(0, patients, count)
    return who % 2 == 0, who.astype(str)


def test_file_values_are_what_the_file_and_its_exposure_say(noise: dict[str, np.ndarray]) -> None:
    dataset = drawn(noise)
    values = baseline_inputs.baseline_inputs(dataset, dataset.samples)[FILE]
    assert values.dtype == np.float32
    expected = [300, 200, 1.5, np.log(1000), noise["i3"].mean(), noise["i3"].std()]
    np.testing.assert_allclose(values[3], expected, rtol=1e-5)


def test_images_that_are_not_files_have_an_exposure_only(noise: dict[str, np.ndarray]) -> None:
    dataset = drawn(noise, header=False)
    measured = baseline_inputs.baseline_inputs(dataset, dataset.samples)
    assert measured.keys() == {FILE, BORDER}
    np.testing.assert_allclose(measured[FILE][3], [noise["i3"].mean(), noise["i3"].std()])


def test_the_border_is_the_frame_and_never_the_middle(noise: dict[str, np.ndarray]) -> None:
    other = {name: picture.copy() for name, picture in noise.items()}
    for picture in other.values():
        picture[6:-6, 6:-6] = 0
    dataset = drawn(noise)
    border = baseline_inputs.baseline_inputs(dataset, dataset.samples)[BORDER]
    assert border.shape == (COUNT, 56**2 - 44**2)
    np.testing.assert_array_equal(
        border, baseline_inputs.baseline_inputs(drawn(other), dataset.samples)[BORDER]
    )
    assert (border[0][:56] == noise["i0"][0]).all()


def test_masks_divide_the_picture_and_a_missing_one_is_nan(noise: dict[str, np.ndarray]) -> None:
    dataset = drawn(noise)

    def left_half(sample: Sample, size: tuple[int, int]) -> np.ndarray | None:
        inside = np.zeros(size, bool)
        inside[:, : size[1] // 2] = True
        return None if sample.name == "i7" else inside

    measured = baseline_inputs.baseline_inputs(dataset, dataset.samples, mask=left_half)
    assert measured.keys() == {FILE, *TITLES}
    lungs, outside = measured[LUNGS].reshape(-1, 56, 56), measured[OUTSIDE].reshape(-1, 56, 56)
    np.testing.assert_array_equal(lungs[0] + outside[0], noise["i0"])
    assert not lungs[0][:, 28:].any()
    assert not outside[0][:, :28].any()
    assert np.isnan(measured[LUNGS]).any(axis=1).tolist() == [n == 7 for n in range(COUNT)]
    assert np.isnan(measured[OUTSIDE][7]).all()


def test_few_values_give_the_log_odds_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    values = (random.normal(size=(300, 3)) * [1, 20, 300] + [0, 5, 900]).astype(np.float32)
    truth = values[:, 1] + random.normal(size=300) * 20 > 15
    standard = (values - values.mean(axis=0)) / values.std(axis=0)
    both = np.hstack([standard, standard**2])
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(both, truth)
    np.testing.assert_allclose(
        baselines.fit_baseline(values, truth).scores(values),
        model.decision_function(both),
        atol=2e-3,
    )


def three_classes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, patients, and values that tell class 0 at once and the others hardly."""
    random = np.random.default_rng(12)
    labels = np.arange(300) % 3
    values = random.normal(size=(300, 2)) + 4 * (labels == 0)[:, None] + 0.3 * labels[:, None]
    return labels, np.array([f"p{row}" for row in range(300)]), values.astype(np.float32)


def test_several_classes_are_averaged_as_the_networks_are() -> None:
    labels, patients, values = three_classes()
    truth = baselines.asked(labels, 0, 3)
    fitted = baselines.fit_baseline(values, truth)
    (row,) = score_baselines({BORDER: fitted}, {BORDER: values}, truth, patients)
    each = [roc_auc_score(labels == c, fitted.scores(values)[:, c]) for c in range(3)]
    assert each[0] > 0.99 > 0.85 > each[1], "one against the rest would be another figure"
    assert row["roc_auc"]["value"] == pytest.approx(np.mean(each))
    # A network that answers as the baseline does has the baseline's figure.
    scores = 1 / (1 + np.exp(-fitted.scores(values)))
    network = classification_metrics(labels, scores, patients, ("a", "b", "c"), 0, resamples=9)
    assert row["roc_auc"] | {"note": ""} == network["metrics"]["roc_auc"]


def test_two_classes_are_asked_for_the_positive_one() -> None:
    labels, _, values = three_classes()
    labels = np.minimum(labels, 1)
    for positive in (0, 1):
        truth = baselines.asked(labels, positive, 2)
        assert truth.tolist() == (labels == positive).tolist()
        scores = baselines.fit_baseline(values, truth).scores(values)
        assert roc_auc_score(labels == positive, scores) > 0.99


def test_a_class_that_was_never_seen_is_not_told() -> None:
    labels, patients, values = three_classes()
    truth = baselines.asked(labels, 0, 4)
    fitted = baselines.fit_baseline(values, truth)
    assert fitted.scores(values).shape == (300, 4)
    assert not fitted.scores(values)[:, 3].any()
    rows = score_baselines({BORDER: fitted}, {BORDER: values}, truth, patients)
    three = baselines.asked(labels, 0, 3)
    known = baselines.fit_baseline(values, three)
    assert rows == score_baselines({BORDER: known}, {BORDER: values}, three, patients)
    old = baselines.fit_baseline(values, labels == 0)
    assert score_baselines({BORDER: old}, {BORDER: values}, three, patients) == []


def test_a_size_in_the_middle_is_found_although_it_is_neither_large_nor_small() -> None:
    width = np.random.default_rng(2).uniform(500, 2500, 400)
    truth = np.abs(width - 1500) < 400
    scores = baselines.fit_baseline(width[:, None], truth).scores(width[:, None])
    assert roc_auc_score(truth, scores) > 0.99


def test_many_values_are_compressed_and_a_class_pattern_is_found() -> None:
    random = np.random.default_rng(3)
    truth, people = grouped(400, 200)
    values = random.normal(size=(400, 1200)).astype(np.float32)
    values[:, :200] += truth[:, None]
    fitted = baselines.fit_baseline(values, truth)
    assert fitted.components.shape == (50, 1200)
    assert roc_auc_score(truth, baselines.out_of_fold(values, truth, people)) > 0.95


def test_constants_and_values_far_away_keep_scores_finite() -> None:
    random = np.random.default_rng(4)
    values = np.column_stack([np.full(100, 224.0), random.normal(size=100)]).astype(np.float32)
    fitted = baselines.fit_baseline(values, values[:, 1] > 0)
    far = fitted.scores(np.array([[1e9, 1e9], [224, 5.5]], np.float32))
    assert np.isfinite(far).all()
    assert fitted.scores(np.array([[224, 100]])) == fitted.scores(np.array([[224, 1000]]))


def test_a_border_that_is_black_everywhere_tells_nothing() -> None:
    truth = np.arange(20) < 8
    fitted = baselines.fit_baseline(np.zeros((20, 1200), np.float32), truth)
    np.testing.assert_allclose(fitted.scores(np.zeros((3, 1200))), 0, atol=1e-6)
    other = np.random.default_rng(0).normal(size=(5, 1200)).astype(np.float32)
    assert len(set(fitted.scores(other))) == 1


def test_noise_is_not_told_apart_though_it_is_remembered() -> None:
    truth, people = grouped(200, 100)
    values = np.random.default_rng(5).normal(size=(200, 300)).astype(np.float32)
    assert roc_auc_score(truth, baselines.fit_baseline(values, truth).scores(values)) > 0.7
    assert roc_auc_score(truth, baselines.out_of_fold(values, truth, people)) < 0.65


def test_a_patient_is_never_scored_by_what_was_learned_from_their_other_images() -> None:
    # Each patient's images are alike and the class is drawn by patient: only a leak could tell it.
    random = np.random.default_rng(6)
    who = np.repeat(np.arange(60), 5)
    truth = random.permutation(np.arange(60) % 2 == 0)[who]
    values = (random.normal(size=(60, 40))[who]).astype(np.float32)
    people = who.astype(str)
    assert roc_auc_score(truth, baselines.out_of_fold(values, truth, people)) < 0.65
    one_each = np.arange(300).astype(str)
    assert roc_auc_score(truth, baselines.out_of_fold(values, truth, one_each)) > 0.8


def test_folds_keep_patients_whole_and_classes_in_proportion() -> None:
    truth, people = grouped(500, 120)
    number = baselines.fold_numbers(truth, people)
    assert all(len(set(number[people == one])) == 1 for one in set(people))
    shares = [truth[number == fold].mean() for fold in range(5)]
    np.testing.assert_allclose(shares, truth.mean(), atol=0.08)
    values = np.random.default_rng(7).normal(size=(500, 2)).astype(np.float32)
    np.testing.assert_array_equal(
        baselines.out_of_fold(values, truth, people, folds=number),
        baselines.out_of_fold(values, truth, people),
    )


def test_folds_shrink_to_the_patients_there_are() -> None:
    people = np.array(["a", "a", "b", "c", "d", "e"])
    truth = np.array([True, True, True, False, False, False])
    assert set(baselines.fold_numbers(truth, people)) == {0, 1}
    with pytest.raises(BadInput, match="at least two patients of each class"):
        baselines.fold_numbers(truth, np.array(["a", "a", "a", "c", "d", "e"]))
    with pytest.raises(BadInput, match="two patients of each class"):
        baselines.fold_numbers(truth[:0], people[:0])


def test_one_class_or_other_measurements_are_refused() -> None:
    values = np.random.default_rng(8).normal(size=(10, 6)).astype(np.float32)
    with pytest.raises(BadInput, match="10 images are of one class"):
        baselines.fit_baseline(values, np.ones(10, bool))
    fitted = baselines.fit_baseline(values, values[:, 0] > 0)
    with pytest.raises(BadInput, match="fitted on 6 measurements an image and was given 2"):
        fitted.scores(values[:, :2])


def test_a_saved_baseline_scores_alike(tmp_path: Path) -> None:
    random = np.random.default_rng(9)
    truth = random.random(80) < 0.4
    values = {FILE: random.normal(size=(80, 6)), BORDER: random.normal(size=(80, 1200))}
    fitted = {name: baselines.fit_baseline(v, truth) for name, v in values.items()}
    baselines.save(tmp_path / "baselines.npz", fitted)
    loaded = baselines.load(tmp_path / "baselines.npz")
    assert list(loaded) == [FILE, BORDER]
    for name, v in values.items():
        np.testing.assert_array_equal(loaded[name].scores(v), fitted[name].scores(v))


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    baselines.save(tmp_path / "b.npz", {FILE: baselines.fit_baseline(np.eye(4), np.arange(4) < 2)})
    whole = (tmp_path / "b.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("b.npz", "none.npz"):
        with pytest.raises(DamagedRun, match="cannot be read"):
            baselines.load(tmp_path / name)


def test_a_baseline_learns_from_some_of_many_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is standardised at a time, the largest array, does not grow with the images."""
    sizes = []
    standardised = baselines._standardised

    def counted(values: np.ndarray, *moments: np.ndarray) -> np.ndarray:
        sizes.append(len(values))
        return standardised(values, *moments)

    truth, people = grouped(900, 300)
    values = np.random.default_rng(8).normal(size=(900, 20)).astype(np.float16)
    values[:, 3] += 2 * truth
    expected = baselines.out_of_fold(values, truth, people)
    monkeypatch.setattr(baselines, "_standardised", counted)
    monkeypatch.setattr(baselines, "LEARNED", 200)
    monkeypatch.setattr(baselines, "SCORED", 70)
    scores = baselines.out_of_fold(values, truth, people)
    assert max(sizes) == 200
    assert sorted(set(sizes))[-2] == 70
    assert abs(roc_auc_score(truth, scores) - roc_auc_score(truth, expected)) < 0.03
