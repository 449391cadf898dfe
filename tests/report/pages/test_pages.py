from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from zoo import DISCLAIMER, Attribution, Examples, Group, Neighbour, Reference
from zoo.base.pictures.pixel_arrays import encode_jpeg
from zoo.interpret.case import Case
from zoo.report.cases.examples import pairs
from zoo.report.cases.page import case_page
from zoo.report.cases.text import credibility_text
from zoo.report.pages.evaluation import evaluation_page
from zoo.stats.alarms import Alarm
from zoo.stats.metrics import classification_metrics

EVIL = "<script>alert(1)</script>\"'&.jpeg"
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collect tags and visible text, and check that the tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def case_of(**changes: object) -> Case:
    values = np.zeros((64, 64), np.float32)
    values[20:30] = 1
    reference = Reference(
        embeddings=np.zeros((3, 2), np.float32),
        labels=np.array([1, 1, 0]),
        names=("one.jpeg", EVIL, "three.jpeg"),
        patients=("1", "2", "3"),
        digests=("a", "b", "c"),
        thumbnails=(b"\xff\xd8one", b"\xff\xd8two", b"\xff\xd8three"),
    )
    shap = Attribution("shap", 1, values, signed=True, details={"additivity_error": 0.00123})
    near = Examples(
        "examples",
        1,
        (
            Group("similar", "Alike", "cosine distance", (Neighbour(0, 0.1), Neighbour(1, 0.2))),
            Group("contrast", "Another label", "cosine distance", (Neighbour(2, 0.5),)),
            Group("pushed", "Made it", "added to the logit", (Neighbour(1, -0.0042, note="odd"),)),
        ),
        0.8,
        0.62,
        {"neighbours": 15},
    )
    fields: dict = {
        "name": "person1.jpeg",
        "pixels": np.full((64, 64, 3), 90, np.uint8),
        "probabilities": (0.07, 0.93),
        "predicted": 1,
        "class_names": ("NORMAL", "PNEUMONIA"),
        "explanations": (Attribution("gradcam", 1, values), shap, near),
        "reference": reference,
        "run": "a-run",
        "threshold": 0.62,
        "summaries": {"gradcam": "Where the features raise the score."},
    }
    return Case(**(fields | changes))


@pytest.fixture(scope="module")
def result() -> dict:
    generator = np.random.default_rng(3)
    labels = np.arange(80) % 2
    scores = np.clip(labels * 0.4 + 0.6 * generator.random(80), 0, 1)
    people = [str(place // 2) for place in range(80)]
    probabilities = np.stack([1 - scores, scores], axis=1)
    return classification_metrics(
        labels, probabilities, people, ("NORMAL", "PNEUMONIA"), 1, resamples=60
    )


def check_self_contained(text: str) -> Page:
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert not page.all("link")
    for image in page.all("img"):
        assert image["src"].startswith("data:image/")
        base64.b64decode(image["src"].partition("base64,")[2], validate=True)
        assert image["alt"].strip(), "every picture has a text in its place"
    for drawing in page.all("svg"):
        assert drawing["role"] == "img"
        assert drawing["aria-label"].strip()
    assert not re.search(r"url\((?!#)|@import|https?://", text)
    policies = [meta["content"] for meta in page.all("meta") if "http-equiv" in meta]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    return page


def test_case_page_tells_the_whole_case() -> None:
    page = check_self_contained(case_page([case_of()], information={"Architecture": "alexnet"}))
    for expected in (
        "PNEUMONIA probability 93 %",
        "12 of 15 nearest training cases are PNEUMONIA",
        "Credibility 62 %: of the validation cases, 62 % have neighbours that agree no better",
        "distance 0.50",
        "added to the logit -0.004 odd",
        "Where the features raise the score.",
        "Red speaks for PNEUMONIA",
        "The brighter the colour, the more the answer PNEUMONIA",
        "additivity error 0.00123",
        "threshold 0.62",
        "Architecture alexnet",
        "Run: a-run",
    ):
        assert expected in page.text, expected
    assert any(span.get("style") == "width: 93.00%" for span in page.all("span"))
    assert len(page.all("img")) == 1 + 2 * 2 + 3


def test_a_known_case_that_is_shown_above_is_told_in_words() -> None:
    first = case_of().examples[0]
    later = Examples("representers", 1, (replace(first.groups[0], title="Again"),), 0.8)
    page = check_self_contained(case_page([case_of(explanations=(first, later))]))
    assert len(page.all("img")) == 1 + 3
    assert page.text.count("Above:") == 1 + 2, "'pushed' and both of the other method's"
    assert "Above: one.jpeg , PNEUMONIA, cosine distance 0.10" in page.text
    both = check_self_contained(case_page([case_of(explanations=(first,))] * 2))
    assert len(both.all("img")) == 2 * (1 + 3), "each explained image has its own"


def test_disclaimer_stands_beside_each_prediction() -> None:
    page = check_self_contained(case_page([case_of(), case_of(name="second.jpeg")]))
    assert page.text.count(DISCLAIMER) == 3, "once a case and once at the foot"
    first = page.text.index("PNEUMONIA probability")
    assert first < page.text.index(DISCLAIMER) < page.text.index("Where the answer comes from")


def test_several_cases_have_an_index() -> None:
    page = Page(case_page([case_of(), case_of(name="second.jpeg")]))
    assert [link["href"] for link in page.all("a")] == ["#case-1", "#case-2"]
    assert "2 explained images" in page.text
    assert {article["id"] for article in page.all("article")} == {"case-1", "case-2"}


def test_names_from_outside_are_escaped() -> None:
    case = case_of(name=EVIL, class_names=("NORMAL", EVIL), run=EVIL, notes=(EVIL,))
    text = case_page([case], information={EVIL: EVIL})
    page = check_self_contained(text)
    assert EVIL in page.text
    assert "<script" not in text


def test_evaluation_escapes_too(result: dict) -> None:
    harmful = result | {"class_names": ["NORMAL", EVIL]}
    harmful["classes"] = [entry | {"name": EVIL} for entry in result["classes"]]
    text = evaluation_page(harmful, title=EVIL, notes=(EVIL,), alarms=[Alarm("x", EVIL, EVIL)])
    check_self_contained(text)
    assert "<script" not in text


def test_synthetic_data_is_marked() -> None:
    assert "synthetic data" not in Page(case_page([case_of()])).text.lower()
    marked = Page(case_page([case_of(synthetic=True)])).text
    assert marked.lower().count("synthetic data") >= 2


def test_case_without_extras() -> None:
    bare = case_of(explanations=(), reference=None, run="", threshold=None, label=0)
    page = check_self_contained(case_page([bare]))
    assert "True class: NORMAL, not as predicted" in page.text
    assert "Where the answer comes from" not in page.text
    assert "no picture kept" in Page(case_page([case_of(reference=None)])).text


def test_many_classes_are_cut() -> None:
    names = tuple(f"class {index}" for index in range(30))
    page = Page(
        case_page([case_of(class_names=names, probabilities=(1 / 30,) * 30, explanations=())])
    )
    assert "and 20 classes less probable" in page.text


def test_evaluation_page_gives_metrics_with_intervals(result: dict) -> None:
    history = [{"epoch": 1, "loss": 0.7, "val_loss": 0.8}, {"epoch": 2, "loss": 0.5}]
    alarm = Alarm("gap", "The test is far below the validation.", "Look at specificity.")
    page = check_self_contained(
        evaluation_page(
            result,
            title="alexnet on the test images",
            history=history,
            best_epoch=2,
            alarms=[alarm],
            information={"Data": "chest"},
            notes=("A note.",),
        )
    )
    for name, title in (("sensitivity", "Sensitivity"), ("roc_auc", "ROC-AUC")):
        entry = result["metrics"][name]
        shown = f"{title} {entry['value']:.3f} {entry['low']:.3f}-{entry['high']:.3f}"
        assert shown in page.text
    for expected in (alarm.message, alarm.remedy, "Data chest", "A note.", DISCLAIMER):
        assert expected in page.text
    headings = ("Confusion matrix", "ROC curve", "Precision and recall", "Learning curves")
    assert all(heading in page.text for heading in headings)
    assert len(page.all("svg")) == 3


def test_evaluation_of_one_class_says_what_is_undefined() -> None:
    probabilities = np.tile([0.8, 0.2], (5, 1))
    result = classification_metrics(
        np.zeros(5, int), probabilities, list("abcde"), ("NORMAL", "P"), 1
    )
    page = check_self_contained(evaluation_page(result, title="one class"))
    assert "all images have the same class" in page.text
    assert not page.all("svg"), "no curve can be drawn"


def test_matching_regions_are_drawn_on_the_image_and_on_the_case() -> None:
    encoded = encode_jpeg(np.full((40, 40, 3), 90, np.uint8))
    spot = np.zeros((4, 4), np.float32)
    spot[0, 0] = 1
    case = case_of()
    reference = replace(case.reference, thumbnails=(encoded,) * 3)
    regions = spot, spot[::-1, ::-1]
    group = Group("similar", "Most alike", "cosine distance", (Neighbour(0, 0.1, regions),))
    (pair,) = pairs(case_of(reference=reference), group.cases)
    for drawn, lit, dark in (
        (pair.image, np.s_[:32, :32], np.s_[-96:, -96:]),
        (pair.case, np.s_[-32:, -32:], np.s_[:96, :96]),
    ):
        assert np.abs(drawn[lit].astype(int) - 90).max() > 60, "full colour where they match"
        assert np.abs(drawn[dark].astype(int) - 90).max() < 4, "none elsewhere"
    wide = case_of(reference=reference, shape=(100, 200))
    (pair,) = pairs(wide, group.cases)
    assert pair.image.shape == (256, 512, 3), "in the proportions of the picture"
    # A case that two groups show is drawn and compared with the image once.
    both = Examples("examples", 1, (group, replace(group, name="contribution")), 0.8)
    page = check_self_contained(case_page([case_of(reference=reference, explanations=(both,))]))
    assert len(page.all("img")) == 1 + 1 + 2
    assert page.text.count("Where they match") == 1


def test_a_run_without_pictures_says_why() -> None:
    bare = replace(case_of().reference, thumbnails=())
    page = check_self_contained(case_page([case_of(reference=bare)]))
    assert "trained with --reference none" in page.text
    assert "one.jpeg" in page.text, "the name tells where to look"
    assert "--reference none" not in Page(case_page([case_of()])).text


def test_an_unusual_agreement_is_a_reason_to_doubt() -> None:
    assert "doubt" in credibility_text(Examples("examples", 1, (), 0.8, 0.02))
    assert "doubt" not in credibility_text(Examples("examples", 1, (), 0.8, 0.4))
    assert credibility_text(Examples("examples", 1, (), 0.8)) == ""


def test_templates_travel_with_the_package() -> None:
    import zoo.report

    folder = Path(zoo.report.__file__).parent / "templates"
    expected = {
        "audit.html.j2",
        "base.html.j2",
        "card.html.j2",
        "case.html.j2",
        "check.html.j2",
        "comparison.html.j2",
        "evaluation.html.j2",
        "examples.html.j2",
        "index.html.j2",
        "learning.html.j2",
        "overview.html.j2",
        "overview_features.html.j2",
        "parts.html.j2",
        "sort.js",
        "stress.html.j2",
        "style.css",
        "summary.html.j2",
        "tuning.html.j2",
    }
    assert {path.name for path in folder.iterdir()} == expected


def test_nobody_is_kept_out(accessible: Callable[[str], None]) -> None:
    accessible(case_page([case_of(), case_of(synthetic=True)]))
