from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from zoo.report import style
from zoo.report.drawing import Drawing
from zoo.report.figures import training
from zoo.report.figures.probabilities import reliability_diagram
from zoo.report.style import SERIES, WIDTH, plain
from zoo.stats.metrics import classification_metrics


def result_of(names: tuple[str, ...] = ("NORMAL", "PNEUMONIA"), images: int = 120) -> dict:
    generator = np.random.default_rng(0)
    labels = np.arange(images) % len(names)
    probabilities = generator.dirichlet(np.ones(len(names)), images)
    probabilities[np.arange(images), labels] += 0.5
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    people = [str(place) for place in range(images)]
    threshold = 0.6 if len(names) == 2 else None
    return classification_metrics(
        labels, probabilities, people, names, 1, threshold=threshold, resamples=40
    )


def history_of(epochs: int, **fixed: object) -> list[dict]:
    return [
        {"epoch": epoch, "loss": 1 / epoch, "val_loss": 1.2 / epoch, "accuracy": 0.9, **fixed}
        for epoch in range(1, epochs + 1)
    ]


def decoded(drawing: Drawing | None) -> np.ndarray:
    assert drawing is not None
    image = Image.open(io.BytesIO(drawing.png()))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"))


def has_colour(picture: np.ndarray, colour: str, least: int = 50) -> bool:
    rgb = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return int((np.abs(picture.astype(int) - rgb).max(axis=-1) < 12).sum()) >= least


@pytest.mark.parametrize("draw", [training.confusion_matrix, training.roc_curve, training.pr_curve])
def test_result_figures_are_readable_pngs(draw: object) -> None:
    picture = decoded(draw(result_of()))  # type: ignore[operator]
    assert picture.shape[1] == WIDTH * 200, "large text on a phone"
    assert picture.min() < 60 < 200 < picture.mean(), "dark ink on a light ground"


def test_every_class_has_its_curve() -> None:
    names = ("a$b$c", "_hidden", "三", "x" * 90)
    picture = decoded(training.roc_curve(result_of(names)))
    assert all(has_colour(picture, colour) for colour in SERIES[: len(names)])
    assert decoded(training.pr_curve(result_of(names))).size
    assert decoded(training.confusion_matrix(result_of(names))).size


def test_confusion_matrix_is_darkest_on_a_good_diagonal() -> None:
    result = result_of() | {"confusion": [[60, 0], [0, 60]]}
    good = decoded(training.confusion_matrix(result)).astype(int)
    bad = decoded(training.confusion_matrix(result | {"confusion": [[0, 60], [60, 0]]})).astype(int)
    top_left = (slice(200, 260), slice(420, 480))
    assert good[top_left].mean() + 80 < bad[top_left].mean()
    assert decoded(training.confusion_matrix(result | {"confusion": [[0, 0], [3, 4]]})).size


def test_many_classes_still_fit() -> None:
    names = tuple(f"class {index}" for index in range(15))
    result = result_of(names, images=150)
    for draw in (training.confusion_matrix, training.roc_curve, training.pr_curve):
        assert decoded(draw(result)).shape[1] == WIDTH * 200


def test_undefined_curves_are_not_drawn() -> None:
    result = result_of() | {"curves": []}
    assert training.roc_curve(result) is None
    assert training.pr_curve(result) is None
    assert training.learning_curves([]) is None


def test_learning_curves_show_each_series() -> None:
    plain_rows = decoded(training.learning_curves(history_of(30)))
    assert has_colour(plain_rows, style.BLUE)
    assert not has_colour(plain_rows, style.GREEN)
    scored = decoded(training.learning_curves(history_of(30, val_roc_auc=0.8)))
    assert has_colour(scored, style.GREEN)


def test_learning_curves_mark_the_best_epoch_and_the_phase() -> None:
    rows = history_of(8)
    without = decoded(training.learning_curves(rows))
    best = decoded(training.learning_curves(rows, best_epoch=3))
    assert (without != best).any()
    phases = [row | {"phase": "head" if row["epoch"] < 5 else "fine-tune"} for row in rows]
    assert (decoded(training.learning_curves(phases)) != without).any()


def test_learning_curves_take_gaps_restarts_and_text() -> None:
    rows = [
        {"epoch": 1, "loss": 0.5, "val_loss": None},
        {"epoch": 2, "loss": float("nan"), "learning_rate": 1e-3},
        {"epoch": 1, "loss": "0.4", "val_loss": "", "learning_rate": "1e-4"},
    ]
    assert decoded(training.learning_curves(rows)).size
    assert decoded(training.learning_curves([{"epoch": 1}], best_epoch=1)).size


def test_threads_draw_the_same_picture() -> None:
    result = result_of()
    alone = training.roc_curve(result)
    assert alone is not None
    with ThreadPoolExecutor(4) as pool:
        drawings = list(pool.map(training.roc_curve, [result] * 8))
        pngs = list(pool.map(lambda drawing: drawing.png(), drawings))
        svgs = list(pool.map(lambda drawing: drawing.svg("ROC curve"), drawings))
    assert set(pngs) == {alone.png()}
    assert set(svgs) == {alone.svg("ROC curve")}


def test_drawing_leaves_pyplot_alone() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from zoo.report.figures import training;"
        "assert 'matplotlib' not in sys.modules;"
        "training.learning_curves([{'epoch': 1, 'loss': 1.0}]);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own interpreter


def test_plain_text_is_safe_to_draw() -> None:
    assert plain("a\n b\tc") == "a b c"
    assert plain("$x$") == r"\$x\$"
    assert plain("胸") == "□"
    assert len(plain("x" * 500)) <= 60


def test_the_reliability_diagram_is_a_picture() -> None:
    part = {
        "ece_mass": 0.1,
        "bins": [
            {"confidence": 0.6, "accuracy": 0.5, "images": 3},
            {"confidence": 0.9, "accuracy": 1.0, "images": 4},
        ],
    }
    picture = reliability_diagram({"temperature": 1.5, "before": part, "after": part})
    assert has_colour(decoded(picture), style.BLUE)
