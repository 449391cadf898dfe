"""Verdicts on networks whose reasons are known, and on methods that are known to be wrong."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from zoo import Attribution, Examples, Explainer, Images, Option
from zoo.base.files import write_json
from zoo.base.registry import load_registry
from zoo.base.settings import explainer_options
from zoo.interpret.trust import panel, randomisation
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, NOT_JUDGED, WEAK
from zoo.network.classifier import TrainedClassifier
from zoo.runs.run_folder import METRICS, Run

SIDE, HALF = 32, 16
MASK = np.zeros((SIDE, SIDE), bool)
MASK[:HALF, :HALF] = True


PATTERN = np.where(np.indices((SIDE, SIDE)).sum(axis=0) % 2, 1, -1)


def chequered(count: int = 2) -> Images:
    """The same pattern everywhere, with a little noise: nothing stands out; blurring ends it."""
    noise = np.random.default_rng(0).integers(-20, 21, (count, SIDE, SIDE))
    pixels = (128 + 60 * PATTERN + noise).astype(np.uint8)[..., None]
    names = tuple(f"image {i}" for i in range(count))
    return Images(pixels, names, (None,) * count, names)


def quadrant_network() -> TrainedClassifier:
    """The first class is called when the pattern is in the upper left quadrant; no more counts."""
    pixels = keras.Input((SIDE, SIDE, 1))
    x = layers.Flatten()(layers.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, layers.Dense(2, name="head")(x))
    weights = np.zeros((SIDE, SIDE, 2), np.float32)
    weights[..., 0] = np.where(MASK, 21 / HALF**2 * PATTERN, 0)
    model.get_layer("head").set_weights([weights.reshape(-1, 2), np.array([-2.0, 0.0])])
    return TrainedClassifier(model, ("pattern", "none"), 0)


def run_with(path, low: float = 0.9) -> Run:
    """A run folder of which only the scores are read."""
    score = {"value": low + 0.05, "low": low, "high": low + 0.1, "note": ""}
    write_json(path / METRICS, {p: {"metrics": {"roc_auc": score}} for p in ("validation", "test")})
    return Run(path, {"files": {}})


def method(name, draw) -> Explainer:
    """A method whose maps are `draw(classifier, pixels, target)`."""

    def explain(classifier, images, targets, reference, **options):
        return [
            Attribution(name, target, np.asarray(draw(classifier, pixels, target), np.float32))
            for pixels, target in zip(images.pixels, targets, strict=True)
        ]

    return Explainer(name=name, summary="", explain=explain)


def gradient(classifier, pixels, target):
    weights = classifier.model.get_layer("head").get_weights()[0]
    return np.abs(weights[:, target]).reshape(SIDE, SIDE)


def edges(classifier, pixels, target):
    gray = pixels[..., 0].astype(float)
    return np.abs(np.diff(gray, axis=0, prepend=0)) + np.abs(np.diff(gray, axis=1, prepend=0))


draws = itertools.count()


def judged(tmp_path, *methods, classifier=None, low=0.9, images=None, changes=None, **how):
    classifier = classifier or quadrant_network()
    images = images or chequered()
    targets = [0] * len(images.names)
    options = {m.name: explainer_options(m.options, changes or {}) for m in methods}
    said = [m.explain(classifier, images, targets, None, **options[m.name]) for m in methods]
    return panel.judge_maps(
        run_with(tmp_path, low),
        classifier,
        images,
        targets,
        list(zip(*said, strict=True)),
        methods,
        options,
        None,
        **how,
    )


def passed(trust):
    return {row.name: row.passed for row in trust.rows}


def test_the_gradient_of_a_linear_network_holds_up(tmp_path):
    for found in judged(tmp_path, method("gradient", gradient), masks=[MASK, None]):
        assert found["gradient"].level == HOLDS_UP, found["gradient"]
    inside, unknown = judged(tmp_path, method("gradient", gradient), masks=[MASK, None])
    assert passed(inside["gradient"])["evidence inside the lungs"] is True
    assert "evidence inside the lungs" not in passed(unknown["gradient"])


def test_saliency_and_shap_on_it_hold_up(tmp_path):
    registry = load_registry()
    methods = [registry.explainer(name) for name in ("saliency", "shap")]
    for found in judged(tmp_path, *methods, images=chequered(1), changes={"evaluations": 100}):
        assert found["saliency"].level == HOLDS_UP, found["saliency"]
        assert found["shap"].level == HOLDS_UP, found["shap"]
        assert passed(found["shap"])["additivity error"] is True


def test_the_wrong_quadrant_does_not(tmp_path):
    wrong = method("wrong", lambda *seen: gradient(*seen)[::-1, ::-1])
    for found in judged(tmp_path, wrong):
        assert found["wrong"].level == DO_NOT_USE, found["wrong"]
        assert found["wrong"].depends
        assert "put elsewhere" in found["wrong"].reason


def test_evidence_outside_the_lungs_is_weak(tmp_path):
    for found in judged(tmp_path, method("gradient", gradient), masks=[~MASK, ~MASK]):
        assert found["gradient"].level == WEAK
        assert "lungs" in found["gradient"].reason


def test_an_edge_detector_is_not_to_be_used(tmp_path):
    for found in judged(tmp_path, method("outline", edges)):
        assert found["outline"].level == DO_NOT_USE
        assert not found["outline"].depends


def test_a_map_of_dice_is_not_to_be_used(tmp_path):
    dice = method("dice", lambda *_: np.random.default_rng(next(draws)).random((SIDE, SIDE)))
    for found in judged(tmp_path, dice):
        assert found["dice"].level == DO_NOT_USE
        assert "another map" in found["dice"].reason


def test_an_empty_map_is_not_to_be_used(tmp_path):
    nothing = method("nothing", lambda *_: np.zeros((SIDE, SIDE)))
    assert all(f["nothing"].level == DO_NOT_USE for f in judged(tmp_path, nothing))


def test_a_network_that_learned_nothing_has_no_map_to_be_used(tmp_path):
    for found in judged(tmp_path, method("gradient", gradient), low=0.45):
        assert found["gradient"].level == DO_NOT_USE
        assert "better than chance" in found["gradient"].reason


@pytest.mark.slow
def test_a_network_with_random_weights_gets_do_not_use(tiny_registry, tmp_path):
    """Everything as in use: a training that learned nothing, and what is shown of its maps."""
    from zoo.runs import model_file, run_folder
    from zoo.workflows import train

    run = train.train(
        "tiny",
        "phantom?images=80&size=64",
        folder=tmp_path,
        registry=tiny_registry,
        changes={"epochs": 1, "learning_rate": 1e-9},
    )
    classifier, reference = model_file.load_classifier(run), run_folder.load_reference(run)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    images = Images(pixels, ("a",), (None,), ("a",))
    explainers = [tiny_registry.explainer(name) for name in ("gradcam", "saliency")]
    said = [[e.explain(classifier, images, [0], reference)[0] for e in explainers]]
    options = {e.name: {} for e in explainers}
    (found,) = panel.judge_maps(run, classifier, images, [0], said, explainers, options, reference)
    assert {trust.level for trust in found.values()} == {DO_NOT_USE}


def test_an_answer_that_never_changes_cannot_be_tested(tmp_path):
    classifier = quadrant_network()
    head = classifier.model.get_layer("head")
    head.set_weights([head.get_weights()[0] / 100, np.array([9.0, 0.0])])
    for found in judged(tmp_path, method("gradient", gradient), classifier=classifier):
        assert found["gradient"].level == NOT_JUDGED
        assert "cannot be tested" in found["gradient"].reason


def test_examples_are_not_judged_and_methods_are_judged_apart(tmp_path):
    cases = Explainer(
        name="cases",
        summary="",
        explain=lambda classifier, images, targets, reference: [
            Examples("cases", target, (), 0.5) for target in targets
        ],
    )
    both = judged(tmp_path, method("gradient", gradient), cases, method("outline", edges))
    assert [set(found) for found in both] == [{"gradient", "outline"}] * 2
    assert judged(tmp_path, cases) == [{}, {}]


def test_without_time_it_says_what_was_not_measured(tmp_path):
    for found in judged(tmp_path, method("gradient", gradient), seconds=0.0):
        trust = found["gradient"]
        assert trust.level == NOT_JUDGED
        assert trust.hurried
        assert "Time ran out" in trust.reason
        assert passed(trust)["deletion (lower is better)"] is None
        assert passed(trust)["same under noise of one gray level"] is None


class Clock:
    """Stands for the module `time`: a look takes a thousandth of a second, nothing else does."""

    def __init__(self):
        self.seconds = 0.0

    def perf_counter(self):
        self.seconds += 0.001
        return self.seconds


def test_a_slow_method_is_left_out_and_a_quick_one_is_not(tmp_path, monkeypatch):
    clock, delay = Clock(), [0.0]
    for module in (panel, randomisation):
        monkeypatch.setattr(module, "time", clock)

    def slowly(*seen):
        clock.seconds += delay[0]
        return gradient(*seen)

    slow, quick = method("slow", slowly), method("quick", gradient)
    judged(tmp_path, slow, quick)  # the randomisation is measured once, on top
    delay[0] = 2.0
    found, _ = judged(tmp_path, quick, slow, seconds=2.0)
    assert passed(found["slow"])["same under noise of one gray level"] is None
    assert passed(found["quick"])["same under noise of one gray level"] is True


def test_a_method_that_tells_its_time_is_not_tried_when_it_takes_too_long(tmp_path):
    calls = []

    def explain(classifier, images, targets, reference, *, seed=0):
        calls.append(len(targets))
        return [
            Attribution("told", t, gradient(classifier, p, t), details={"seconds": 60.0})
            for p, t in zip(images.pixels, targets, strict=True)
        ]

    told = Explainer(name="told", summary="", explain=explain, options={"seed": Option(0, "")})
    judged(tmp_path, told)
    before = len(calls)
    judged(tmp_path, told, seconds=20.0)
    assert len(calls) - before == 1  # the maps that are judged


def test_a_method_that_takes_long_is_tried_once_each_way_and_says_so(tmp_path):
    calls = []

    def explain(classifier, images, targets, reference, *, seed=0):
        calls.append(seed)
        return [
            Attribution("long", t, gradient(classifier, p, t), details={"seconds": panel.TRYING})
            for p, t in zip(images.pixels, targets, strict=True)
        ]

    long = Explainer(name="long", summary="", explain=explain, options={"seed": Option(0, "")})
    judged(tmp_path, long)  # the randomisation is measured once, on top
    calls.clear()
    found, *_ = judged(tmp_path, long, seconds=1000.0)
    assert calls == [0, 0, 1]  # the maps that are judged, noise, and another seed
    rows = {row.name: row.value for row in found["long"].rows}
    assert rows["same under noise of one gray level"] == "1.00 (one try)"
    assert rows["same with other random numbers"] == "1.00 (one try)"


@pytest.mark.parametrize("part", ["validation", "test"])
def test_scores_that_were_not_measured_are_left_out(tmp_path, part):
    run = run_with(tmp_path)
    other = {"validation": "test", "test": "validation"}[part]
    measured = {**run.metrics(), part: None}
    write_json(tmp_path / METRICS, measured)
    assert set(panel.scores_of(run)) == {other}
