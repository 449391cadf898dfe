from __future__ import annotations

import builtins
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from zoo import DISCLAIMER, Attribution, BadInput, Case, InvalidSetting, Prediction, Run, Skipped
from zoo.checks.findings import WARNING, Finding
from zoo.interpret.trust.verdict import WEAK, Trust
from zoo.report.cases.index import Entry
from zoo.runs.run_folder import read
from zoo.workflows import show as showing
from zoo.workflows.compare import Comparison

CHANCES = {"NORMAL": 0.25, "PNEUMONIA": 0.75}
NAMED = Prediction("<b>.png", "PNEUMONIA", "PNEUMONIA", "", "", 0.1, CHANCES)


def a_map(signed: bool = False) -> Attribution:
    values = np.linspace(-1 if signed else 0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    return Attribution("gradcam", 1, values, signed)


def a_case(name: str = "one.png") -> Case:
    return Case(
        name=name,
        pixels=np.full((64, 64, 1), 90, np.uint8),
        probabilities=(0.25, 0.75),
        predicted=1,
        class_names=("NORMAL", "PNEUMONIA"),
        explanations=(a_map(),),
        trust={"gradcam": Trust(WEAK, "It hardly depends on the weights.", (), depends=False)},
    )


def compared(page: Path) -> Comparison:
    area = {"value": 0.9, "low": 0.8, "high": 0.95}
    result = {
        "entries": [{"name": "mine", "roc_auc": area}],
        "baselines": [{"title": "the border", "roc_auc": {**area, "value": None}}],
        "stopped": [],
        "left_out": [{"name": "other", "reason": "It has no weights."}],
        "notes": ["Few patients."],
        "synthetic": True,
    }
    page.write_text("<!doctype html><p>the page</p>", "utf-8")
    return Comparison(result, page)


def within(shown: str) -> str:
    """Return the page that a frame holds."""
    found = re.search(r'srcdoc="([^"]*)"', shown)
    assert found is not None
    return html.unescape(found[1])


def test_a_prediction_shows_its_answer_and_the_disclaimer() -> None:
    shown = NAMED._repr_html_()
    assert "&lt;b&gt;.png" in shown
    assert "<b>.png" not in shown
    assert "0.750" in shown
    assert DISCLAIMER in shown


def test_many_predictions_are_one_table_with_what_was_skipped() -> None:
    shown = zoo.show([NAMED, Skipped("broken.png", "It is cut off.")])
    assert [row["answer"] for row in shown.rows] == ["PNEUMONIA", "skipped"]
    assert shown.table["PNEUMONIA"].tolist()[0] == 0.75
    assert shown.table.columns.tolist() == ["name", "answer", "reason", "NORMAL", "PNEUMONIA"]
    assert "It is cut off." in repr(shown)
    assert DISCLAIMER in repr(shown)


def test_a_long_table_says_how_much_of_it_is_not_shown() -> None:
    shown = zoo.show([NAMED] * 102)
    assert "and 2 more rows" in shown.html
    assert len(shown.rows) == 102


def test_a_case_shows_its_page_in_a_frame() -> None:
    page = within(a_case()._repr_html_())
    assert page.startswith("<!doctype html>")
    assert "It hardly depends on the weights." in page
    assert DISCLAIMER in page
    assert a_case().table["verdict"].tolist() == [WEAK]


def test_of_many_cases_the_first_are_explained_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(showing, "CASES", 2)
    asked = []

    def cases() -> Iterator[Case]:
        for number in range(100):
            asked.append(number)
            yield a_case(f"{number}.png")

    page = within(zoo.show(cases()).html)
    assert asked == [0, 1]
    assert "1.png" in page


def test_what_was_skipped_stands_above_the_page_of_the_cases() -> None:
    shown = zoo.show([a_case(), Skipped("broken.png", "It is cut off.")]).html
    assert shown.index("It is cut off.") < shown.index("<iframe")
    assert "one.png" in within(shown)


def test_an_image_of_a_folder_of_reports_names_its_files() -> None:
    entry = Entry("a", "a", "a", "", "", "NORMAL", 0.75, None, {"weak": 1}, {"html": "a.html"})
    (row,) = zoo.show([entry]).rows
    assert (row["probability"], row["maps"], row["files"]) == (0.75, "1 weak", "a.html")


def test_a_map_is_a_picture_with_a_scale_around_zero() -> None:
    from matplotlib.figure import Figure

    assert a_map()._repr_png_().startswith(b"\x89PNG")
    axes = Figure().subplots()
    assert a_map(signed=True).plot(axes) is axes
    low, high = axes.images[0].get_clim()
    assert -low == high == pytest.approx(1, abs=0.01)
    assert any(DISCLAIMER in text.get_text() for text in axes.texts)


@pytest.mark.parametrize("thing", [NAMED, a_case()])
def test_a_drawn_answer_carries_the_disclaimer(thing: Any) -> None:
    from matplotlib.figure import Figure

    axes = thing.plot(Figure().subplots())
    assert any(DISCLAIMER in text.get_text() for text in axes.texts)
    assert "PNEUMONIA" in axes.get_title(loc="left")


def test_a_comparison_is_drawn_and_its_page_shown(tmp_path: Path) -> None:
    from matplotlib import pyplot as plt

    thing = compared(tmp_path / "comparison.html")
    assert "Few patients." in thing._repr_html_()
    assert thing.table["value"].notna().tolist() == [True, False]
    axes = thing.plot()
    assert [text.get_text() for text in axes.texts if "mine" in text.get_text()] == ["mine"]
    plt.close(axes.figure)
    assert within(zoo.show(thing).html) == "<!doctype html><p>the page</p>"
    thing.page.unlink()
    with pytest.raises(BadInput, match=r"comparison\.html' cannot be read"):
        zoo.show(thing)


def test_findings_are_rows_without_a_figure() -> None:
    finding = Finding(WARNING, "copies", "Two are alike.", "Remove one.", groups=(("a", "b"),))
    assert finding.table["images"].tolist() == [2]
    assert "Two are alike." in finding._repr_html_()
    with pytest.raises(BadInput, match="nothing to draw"):
        zoo.show(finding).plot()


def test_a_run_shows_its_scores_and_its_card(trained: Run) -> None:
    assert trained.table["part"].tolist() == ["validation", "test"]
    assert "Synthetic data." in trained._repr_html_()
    assert "Model card" in within(zoo.show(trained).html)
    assert trained.plot(_axes()).lines


def test_a_run_that_was_stopped_says_how_to_go_on(run_copy: Path) -> None:
    record = read(run_copy).record
    assert "zoo.resume" in Run(run_copy, {**record, "status": "training"})._repr_html_()


def test_scores_show_themselves(trained: Run, tiny_registry: zoo.Registry) -> None:
    scores = zoo.evaluate(trained, registry=tiny_registry)
    area = scores.result["metrics"]["roc_auc"]["value"]
    assert scores.table.set_index("score").loc["ROC-AUC", "value"] == area
    assert "intervals count the patients" in scores._repr_html_()
    assert "sensitivity" in scores.plot(_axes()).get_ylabel()
    assert "<h1>" in within(zoo.show(scores).html)


@pytest.mark.parametrize("thing", ["a path", 5, [], iter(())])
def test_what_cannot_be_shown_is_one_sentence(thing: object) -> None:
    with pytest.raises(BadInput, match=r"cannot be shown|nothing to show"):
        zoo.show(thing)


def test_without_pandas_the_rows_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *others: Any) -> Any:
        if name == "pandas":
            raise ImportError
        return imported(name, *others)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InvalidSetting, match="pip install pandas"):
        _ = NAMED.table
    assert zoo.show(NAMED).rows[0]["PNEUMONIA"] == 0.75


def _axes() -> Any:
    from matplotlib.figure import Figure

    return Figure().subplots()
