from __future__ import annotations

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import BadInput, InvalidSetting
from zoo.report.tables import classification_table, metrics_table
from zoo.stats import intervals
from zoo.stats.curves import CURVE_POINTS, areas
from zoo.stats.intervals import (
    exact_bound,
    image_weights,
    patient_rows,
    percentile_interval,
    resample,
)
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.leaderboard import Trial, leaderboard
from zoo.stats.metrics import classification_metrics, training_metrics
from zoo.stats.probabilities import decide, margin, softmax

NAMES = ("NORMAL", "PNEUMONIA")


def two_columns(scores: np.ndarray) -> np.ndarray:
    return np.stack([1 - scores, scores], axis=1)


def logistic(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(7)


def sample(generator: np.random.Generator, images: int = 300) -> tuple[np.ndarray, np.ndarray]:
    labels = (generator.random(images) < 0.6).astype(int)
    scores = logistic(generator.normal(size=images) + 2 * labels - 1).round(2)  # with ties
    return labels, scores


def many_classes(
    generator: np.random.Generator, images: int = 400
) -> tuple[np.ndarray, np.ndarray]:
    labels = generator.integers(0, 4, images)
    probabilities = generator.dirichlet(np.ones(4), images)
    probabilities[np.arange(images), labels] += 0.2
    return labels, probabilities / probabilities.sum(axis=1, keepdims=True)


def people(images: int, each: int = 1) -> list[str]:
    return [f"patient {place // each}" for place in range(images)]


def test_by_hand() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    scores = np.array([0.1, 0.6, 0.2, 0.9, 0.8, 0.3, 0.7, 0.55])
    result = classification_metrics(labels, two_columns(scores), people(8), NAMES, 1, resamples=50)

    assert result["confusion"] == [[2, 1], [1, 4]]
    values = {name: entry["value"] for name, entry in result["metrics"].items()}
    assert values["sensitivity"] == pytest.approx(4 / 5)
    assert values["specificity"] == pytest.approx(2 / 3)
    assert values["balanced_accuracy"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert values["accuracy"] == pytest.approx(6 / 8)
    assert values["roc_auc"] == pytest.approx(13 / 15)  # 15 pairs, 0.3 < 0.6 and 0.55 < 0.6
    # precision at each finding, best first: 1, 1, 1, then one false alarm, 4/5, 5/6
    assert values["pr_auc"] == pytest.approx((1 + 1 + 1 + 4 / 5 + 5 / 6) / 5)
    assert result["operating_point"] == pytest.approx(
        {"false_positive_rate": 1 / 3, "recall": 4 / 5, "precision": 4 / 5}
    )
    assert result["classes"][1]["support"] == 5


def test_threshold_moves_the_decision() -> None:
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.2, 0.7, 0.7, 0.9])
    strict = classification_metrics(
        labels, two_columns(scores), people(4), NAMES, 1, threshold=0.8, resamples=9
    )
    assert strict["confusion"] == [[2, 0], [1, 1]]
    assert list(decide(two_columns(scores), 0, 0.3)) == [0, 0, 0, 1]
    assert list(decide(two_columns(scores), 1, 0.7)) == [0, 1, 1, 1], "the threshold itself counts"


def test_agrees_with_sklearn_for_two_classes(generator: np.random.Generator) -> None:
    from sklearn import metrics

    labels, scores = sample(generator)
    found = classification_metrics(
        labels, two_columns(scores), people(300), NAMES, 1, threshold=0.4, resamples=9
    )
    predicted = scores >= 0.4
    values = {name: entry["value"] for name, entry in found["metrics"].items()}
    assert values["roc_auc"] == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert values["pr_auc"] == pytest.approx(metrics.average_precision_score(labels, scores))
    balanced = metrics.balanced_accuracy_score(labels, predicted)
    assert values["balanced_accuracy"] == pytest.approx(balanced)
    assert found["confusion"] == metrics.confusion_matrix(labels, predicted).tolist()


def test_agrees_with_sklearn_for_many_classes(generator: np.random.Generator) -> None:
    from sklearn import metrics

    labels, probabilities = many_classes(generator)
    names = ("a", "b", "c", "d")
    result = classification_metrics(labels, probabilities, people(400), names, 0, resamples=9)
    values = {name: entry["value"] for name, entry in result["metrics"].items()}
    expected = metrics.roc_auc_score(labels, probabilities, multi_class="ovr")
    assert values["roc_auc"] == pytest.approx(expected)
    one_hot = np.eye(4)[labels]
    expected = metrics.average_precision_score(one_hot, probabilities)
    assert values["pr_auc"] == pytest.approx(expected)
    expected = metrics.recall_score(labels, probabilities.argmax(1), average="macro")
    assert values["sensitivity"] == pytest.approx(expected)
    assert [curve["name"] for curve in result["curves"]] == list(names)
    assert result["operating_point"] is None


def test_weighted_areas_agree_with_sklearn(generator: np.random.Generator) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    labels, scores = sample(generator, 80)
    weights = generator.integers(0, 4, (5, 80)).astype(float)
    found = areas(labels == 1, scores, weights)
    for place, row in enumerate(weights):
        expected = roc_auc_score(labels, scores, sample_weight=row)
        assert found[0, place] == pytest.approx(expected)
        expected = average_precision_score(labels, scores, sample_weight=row)
        assert found[1, place] == pytest.approx(expected)


def test_resampling_draws_whole_patients() -> None:
    rows, number = patient_rows(np.array(["b", "a", "b", "c"]))
    assert (list(rows), number) == ([1, 0, 1, 2], 3)
    counts = resample(3, 100, seed=1)
    assert (counts.sum(axis=1) == 3).all()
    assert counts.std() > 0
    np.testing.assert_array_equal(counts, resample(3, 100, seed=1))


def test_patients_are_drawn_a_few_resamples_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "CHUNK_CELLS", 7 * 40)
    rows, number = patient_rows(np.array(people(40, each=2)))
    parts = list(image_weights(rows, 23, seed=4))
    assert [part.shape for part in parts] == [(7, 40), (7, 40), (7, 40), (2, 40)]
    np.testing.assert_array_equal(np.concatenate(parts), resample(number, 23, seed=4)[:, rows])


@pytest.mark.parametrize("separation", [0.8, 1.6])
def test_interval_covers_the_truth(separation: float) -> None:
    from scipy.stats import norm

    truth = norm.cdf(separation / np.sqrt(2))
    generator = np.random.default_rng(11)
    covered = 0
    for _ in range(200):
        labels = np.repeat([0, 1], 50)
        scores = logistic(generator.normal(size=100) + separation * labels)
        result = classification_metrics(
            labels, two_columns(scores), people(100), NAMES, 1, resamples=200
        )
        entry = result["metrics"]["roc_auc"]
        covered += entry["low"] <= truth <= entry["high"]
    assert 0.90 <= covered / 200 <= 0.99


def test_images_of_one_patient_do_not_narrow_the_interval(generator: np.random.Generator) -> None:
    labels, scores = sample(generator, 60)
    once = classification_metrics(labels, two_columns(scores), people(60), NAMES, 1)
    copies = np.repeat(labels, 8), two_columns(np.repeat(scores, 8))
    grouped = classification_metrics(*copies, people(480, each=8), NAMES, 1)
    independent = classification_metrics(*copies, people(480), NAMES, 1)

    def width(result: dict, name: str) -> float:
        return result["metrics"][name]["high"] - result["metrics"][name]["low"]

    for name in ("sensitivity", "roc_auc", "pr_auc"):
        assert width(grouped, name) == pytest.approx(width(once, name), rel=0.1)
        assert width(grouped, name) > 2 * width(independent, name)


def test_every_figure_has_the_interval_that_it_has_elsewhere(
    generator: np.random.Generator,
) -> None:
    logits = generator.normal(size=(300, 3)).astype(np.float32)
    for classes in (2, 3):
        labels, own, people_ = np.arange(300) % classes, logits[:, :classes], people(300, each=3)
        names, threshold = [f"class {c}" for c in range(classes)], 0.4 if classes == 2 else None
        found = classification_metrics(
            labels, softmax(own), people_, names, 1, threshold=threshold, resamples=9
        )
        outputs = LabelledLogits(
            own, labels, np.array(people_), np.array(list(map(str, range(300))))
        )
        (entry,) = leaderboard({"a": [Trial(outputs, 1.0, threshold)]}, 1)["entries"]
        for name in ("roc_auc", "sensitivity", "specificity", "balanced_accuracy", "accuracy"):
            assert entry[name]["low"] < entry[name]["value"] < entry[name]["high"]
            assert found["metrics"][name] == {**entry[name], "note": ""}, name


def test_patients_with_both_classes_are_half_as_many_pairs() -> None:
    labels = np.arange(12) % 2
    found = classification_metrics(
        labels, two_columns(labels * 0.8 + 0.1), people(12, each=2), NAMES, 1
    )
    area = found["metrics"]["roc_auc"]
    assert (area["value"], area["low"]) == (1, pytest.approx(0.025 ** (1 / 3)))  # not six pairs
    assert "3 pairs of patients" in area["note"]


def test_a_figure_that_no_patient_moves_has_no_interval() -> None:
    labels = np.arange(12) % 2
    constant = classification_metrics(labels, np.full((12, 2), 0.5), people(12), NAMES, 1)[
        "metrics"
    ]["roc_auc"]
    alone = classification_metrics(
        labels, two_columns((labels + np.arange(12)) / 13), people(12, 12), NAMES, 1
    )
    for area in (constant, alone["metrics"]["roc_auc"]):
        assert 0 < area["value"] < 1
        assert (area["low"], area["high"]) == (None, None)
        assert area["note"].startswith("No interval")


def test_perfect_result_is_not_shown_as_certain() -> None:
    labels = np.repeat([0, 1], 10)
    result = classification_metrics(
        labels, two_columns(labels * 0.8 + 0.1), people(20, each=2), NAMES, 1
    )
    sensitivity = result["metrics"]["sensitivity"]
    assert sensitivity["value"] == sensitivity["high"] == 1
    assert sensitivity["low"] == pytest.approx(0.025 ** (1 / 5))  # five patients, not ten images
    assert "5 patients" in sensitivity["note"]
    area = result["metrics"]["roc_auc"]
    assert (area["value"], area["high"]) == (1, 1)
    assert area["low"] == pytest.approx(0.025 ** (1 / 5))  # five disjoint pairs of patients
    assert "5 pairs of patients" in area["note"]
    assert "No interval" in result["metrics"]["pr_auc"]["note"]


def test_exact_bound_is_clopper_and_pearsons() -> None:
    from scipy.stats import binomtest

    expected = binomtest(12, 12).proportion_ci(0.95, "exact")
    assert exact_bound(1.0, 12) == pytest.approx((expected.low, expected.high))
    expected = binomtest(0, 12).proportion_ci(0.95, "exact")
    assert exact_bound(0.0, 12) == pytest.approx((expected.low, expected.high))


def test_percentile_interval_needs_defined_and_differing_values() -> None:
    assert percentile_interval(np.linspace(0, 1, 1001)) == pytest.approx((0.025, 0.975))
    assert percentile_interval(np.array([0.5, np.nan, np.nan, 0.6, np.nan])) is None
    assert percentile_interval(np.full(10, 0.5)) is None
    assert percentile_interval(np.array([])) is None


def test_one_class_only_says_why() -> None:
    result = classification_metrics(
        np.zeros(6, int), two_columns(np.full(6, 0.3)), people(6), NAMES, 1
    )
    metrics = result["metrics"]
    for name in ("sensitivity", "balanced_accuracy", "roc_auc", "pr_auc"):
        assert metrics[name]["value"] is None
        assert metrics[name]["note"].startswith("Undefined")
    assert metrics["specificity"]["value"] == 1
    assert result["curves"] == []


def test_thousand_images_in_four_seconds(generator: np.random.Generator) -> None:
    labels, scores = sample(generator, 1000)
    started = time.process_time()  # of this process: others may keep the machine busy
    classification_metrics(
        labels, two_columns(scores), people(1000, each=2), NAMES, 1, resamples=1000
    )
    assert time.process_time() - started < 4


def test_curves_are_thinned_and_keep_their_ends(generator: np.random.Generator) -> None:
    labels = generator.integers(0, 2, 5000)
    scores = generator.random(5000)
    (curve,) = classification_metrics(
        labels, two_columns(scores), people(5000), NAMES, 1, resamples=5
    )["curves"]
    for name in ("roc", "pr"):
        x, y = curve[name]["x"], curve[name]["y"]
        assert len(x) == len(y) <= CURVE_POINTS
        assert (x[0], x[-1]) == (0, 1)
        assert x == sorted(x)
    area = np.trapezoid(curve["roc"]["y"], curve["roc"]["x"])
    assert area == pytest.approx(curve["roc_auc"], abs=0.005)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(2, 4), st.integers(1, 12))
def test_any_input_gives_clean_json(data: st.DataObject, classes: int, images: int) -> None:
    labels = data.draw(st.lists(st.integers(0, classes - 1), min_size=images, max_size=images))
    cells = st.floats(0, 1, allow_nan=False, width=32)
    scores = data.draw(st.lists(cells, min_size=images * classes, max_size=images * classes))
    patients = data.draw(st.lists(st.sampled_from("abc"), min_size=images, max_size=images))
    names = [f"class {index}" for index in range(classes)]
    probabilities = np.array(scores).reshape(images, classes)
    result = classification_metrics(
        np.array(labels), probabilities, patients, names, 0, resamples=data.draw(st.integers(0, 20))
    )
    json.dumps(result, allow_nan=False)
    for entry in result["metrics"].values():
        assert entry["value"] is not None or entry["note"]
        assert (entry["low"] is None) == (entry["high"] is None)
    assert classification_table(result)
    assert metrics_table(result)
    training_metrics(np.array(labels), probabilities, 0)


def test_training_metrics_are_those_of_the_evaluation(generator: np.random.Generator) -> None:
    labels, scores = sample(generator)
    result = classification_metrics(labels, two_columns(scores), people(300), NAMES, 1, resamples=5)
    quick = training_metrics(labels, two_columns(scores), 1)
    assert quick == {name: result["metrics"][name]["value"] for name in quick}


def test_training_metrics_survive_a_diverged_network() -> None:
    broken = np.full((4, 2), np.nan)
    assert np.isnan(list(training_metrics(np.array([0, 1, 0, 1]), broken, 1).values())).all()
    one_class = training_metrics(np.array([1, 1]), two_columns(np.array([0.9, 0.2])), 1)
    assert one_class["accuracy"] == 0.5
    assert np.isnan(one_class["roc_auc"])


def test_refuses_what_cannot_be_measured() -> None:
    labels, probabilities = np.array([0, 1]), two_columns(np.array([0.2, 0.9]))
    with pytest.raises(BadInput, match="no images"):
        classification_metrics(labels[:0], probabilities[:0], [], NAMES, 1)
    with pytest.raises(BadInput, match="smaller learning rate"):
        classification_metrics(labels, probabilities * np.nan, people(2), NAMES, 1)
    with pytest.raises(InvalidSetting, match="0 to 1"):
        classification_metrics(labels, probabilities, people(2), NAMES, 1, threshold=1.5)
    with pytest.raises(InvalidSetting, match="only decide"):
        classification_metrics(
            labels, np.full((2, 3), 1 / 3), people(2), ("a", "b", "c"), 1, threshold=0.5
        )
    with pytest.raises(ValueError, match="do not fit"):
        classification_metrics(labels, probabilities, people(3), NAMES, 1)
    with pytest.raises(ValueError, match="labels reach"):
        classification_metrics(labels + 1, probabilities, people(2), NAMES, 1)


def test_classification_table_is_scikit_learns(generator: np.random.Generator) -> None:
    from sklearn.metrics import classification_report

    labels, scores = sample(generator)
    result = classification_metrics(labels, two_columns(scores), people(300), NAMES, 1, resamples=5)
    expected = classification_report(
        labels, two_columns(scores).argmax(axis=1), target_names=NAMES, digits=2
    )
    assert classification_table(result).split() == expected.split()
    lines = [line for line in classification_table(result).splitlines() if line]
    assert len({len(line) for line in lines}) == 1, "the columns are aligned"


def test_metrics_table_shows_intervals_and_reasons(generator: np.random.Generator) -> None:
    labels, scores = sample(generator)
    result = classification_metrics(
        labels, two_columns(scores), people(300, 2), NAMES, 1, threshold=0.25
    )
    text = metrics_table(result)
    entry = result["metrics"]["roc_auc"]
    assert f"{entry['value']:.3f}  {entry['low']:.3f}-{entry['high']:.3f}" in text
    assert "300 images of 150 patients" in text
    assert "from a probability of 0.25 up" in text
    alone = classification_metrics(np.zeros(2, int), two_columns(np.zeros(2)), people(2), NAMES, 1)
    assert "all images have the same class" in metrics_table(alone)


def test_a_margin_is_nought_at_the_line_and_one_at_the_ends() -> None:
    scores = np.array([0.0, 0.1, 0.2, 0.6, 1.0])
    sure = margin(two_columns(scores), 1, 0.2)
    assert sure == pytest.approx([1, 0.5, 0, 0.5, 1])
    assert margin(two_columns(1 - scores), 0, 0.2) == pytest.approx(sure), "of the positive class"
    assert margin(two_columns(scores), 1, None) == pytest.approx([1, 0.9, 0.8, 0.6, 1])
    for threshold in (0, 1):  # one side of the line is empty
        assert margin(two_columns(scores), 1, threshold) == pytest.approx(abs(scores - threshold))


def test_a_threshold_may_be_nought_or_one() -> None:
    scores = two_columns(np.array([0.0, 0.4, 1.0]))
    assert decide(scores, 1, 0).tolist() == [1, 1, 1]
    assert decide(scores, 1, 1).tolist() == [0, 0, 1]
    for threshold in (-0.01, 1.01):
        with pytest.raises(InvalidSetting, match="0 to 1"):
            decide(scores, 1, threshold)


def test_a_mean_over_classes_leaves_out_the_absent(generator: np.random.Generator) -> None:
    from sklearn.metrics import recall_score, roc_auc_score

    labels = np.arange(90) % 2 * 2  # of three classes the middle one never occurs
    probabilities = generator.dirichlet(np.ones(3), 90)
    found = classification_metrics(
        labels, probabilities, people(90), ("a", "b", "c"), 0, resamples=9
    )["metrics"]
    called = probabilities.argmax(1)
    each = [roc_auc_score(labels == c, probabilities[:, c]) for c in (0, 2)]
    assert found["roc_auc"]["value"] == pytest.approx(np.mean(each))
    recalls = recall_score(labels, called, labels=[0, 2], average=None)
    assert found["sensitivity"]["value"] == pytest.approx(recalls.mean())
    assert found["balanced_accuracy"]["value"] == pytest.approx(recalls.mean())
    spared = [(called[labels != c] != c).mean() for c in (0, 2)]
    assert found["specificity"]["value"] == pytest.approx(np.mean(spared))


def test_the_bound_of_a_mean_is_that_of_its_smallest_class() -> None:
    labels = np.repeat([0, 1, 2], [30, 20, 4])
    found = classification_metrics(
        labels, np.eye(3)[labels], people(54, 2), ("a", "b", "c"), 0, resamples=9
    )
    for name in ("sensitivity", "balanced_accuracy", "roc_auc"):
        assert found["metrics"][name]["low"] == pytest.approx(0.025 ** (1 / 2)), name
    assert found["metrics"]["accuracy"]["low"] == pytest.approx(0.025 ** (1 / 27))
    assert "over 27 patients." in found["metrics"]["accuracy"]["note"]
    assert "over 2 pairs of patients." in found["metrics"]["roc_auc"]["note"]


def test_what_is_missing_is_named() -> None:
    notes = {
        label: {
            name: entry["note"]
            for name, entry in classification_metrics(
                np.full(6, label), two_columns(np.linspace(0.1, 0.9, 6)), people(6), NAMES, 1
            )["metrics"].items()
        }
        for label in (0, 1)
    }
    assert notes[0]["sensitivity"] == "Undefined: no image has the class that is looked for."
    assert notes[1]["specificity"] == (
        "Undefined: no image has another class than the one looked for."
    )
    for label in (0, 1):
        for name in ("balanced_accuracy", "roc_auc", "pr_auc"):
            assert notes[label][name] == "Undefined: all images have the same class."
        assert notes[label]["accuracy"] == ""


def test_the_result_says_what_it_rests_on(generator: np.random.Generator) -> None:
    labels, scores = sample(generator, 40)
    found = classification_metrics(
        labels, two_columns(scores), people(40, 2), NAMES, 1, threshold=0.5
    )
    assert (found["schema"], found["images"], found["patients"]) == (1, 40, 20)
    assert (found["resamples"], found["confidence"]) == (1000, 0.95)
    assert (found["positive"], found["threshold"]) == (1, 0.5)
    assert found["macro"]["support"] == found["weighted"]["support"] == 40
    again = classification_metrics(
        labels, two_columns(scores), people(40, 2), NAMES, 1, threshold=0.5
    )
    assert found == again, "the same resamples"
    other = classification_metrics(
        labels, two_columns(scores), people(40, 2), NAMES, 1, threshold=0.5, seed=1
    )
    assert other["metrics"]["pr_auc"] != found["metrics"]["pr_auc"]
    assert other["metrics"]["roc_auc"] == found["metrics"]["roc_auc"], "which draws nothing"


def test_the_interval_of_the_pr_auc_is_that_of_resampled_patients(
    generator: np.random.Generator,
) -> None:
    from sklearn.metrics import average_precision_score

    labels, scores = sample(generator, 60)
    who = np.array(people(60, 2))
    found = classification_metrics(labels, two_columns(scores), who, NAMES, 1, resamples=40, seed=3)
    rows, number = patient_rows(who)
    again = [
        average_precision_score(labels, scores, sample_weight=counts[rows])
        for counts in resample(number, 40, 3)
    ]
    entry = found["metrics"]["pr_auc"]
    assert (entry["low"], entry["high"]) == pytest.approx(tuple(np.quantile(again, [0.025, 0.975])))
    assert entry["note"] == ""


def test_labels_that_are_no_class_are_refused() -> None:
    probabilities = two_columns(np.array([0.2, 0.9]))
    for labels in ([-1, 1], [0, 2]):
        with pytest.raises(ValueError, match="labels reach"):
            classification_metrics(np.array(labels), probabilities, people(2), NAMES, 1)
    with pytest.raises(ValueError, match="do not fit"):
        classification_metrics(np.array([0, 1]), np.full((2, 3), 1 / 3), people(2), NAMES, 1)
