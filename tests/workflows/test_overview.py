"""The overview of a run: sampling, one pass over the data, and the page."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import DISCLAIMER, BadInput, Sample
from zoo.base.registry import Registry
from zoo.interpret.overview.ready_concepts import READY
from zoo.interpret.overview.result import Overview
from zoo.interpret.overview.sampling import stratified
from zoo.report.pages.overview import overview_page, prototype_sheet
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.runs.selection import Notes
from zoo.workflows.overview import overview, write_overview

METHODS = ("saliency",)
EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """The visible words and the pictures of a page that loads nothing."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.alts: list[str] = []
        self._words: list[str] = []
        self.feed(text)
        assert not re.search(r"url\((?!#)|@import|https?://|<script", text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        values = dict(attrs)
        if tag == "svg":
            self.alts.append(values["aria-label"])
        if tag == "img":
            assert values["src"].startswith("data:image/")
            assert values["alt"].strip(), "every picture has a text in its place"
            self.alts.append(values["alt"])

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())


@pytest.fixture(scope="module")
def masks(tiny_registry: Registry, trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two white rectangles as the lungs of each image but one."""
    folder = tmp_path_factory.mktemp("masks")
    mask = np.zeros((64, 64), np.uint8)
    mask[16:52, 10:28] = mask[16:52, 36:54] = 255
    samples = tiny_registry.dataset(trained.record["data"]["source"]).samples
    tested = set(trained.record["splits"]["test"]["members"])
    dataset = tiny_registry.dataset(trained.record["data"]["source"])
    left_out = next(s.name for s in samples if dataset.digest(s) in tested)
    for sample in samples:
        if sample.name != left_out:
            Image.fromarray(mask).save(folder / f"{Path(sample.name).stem}.png")
    return folder


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images that have noise in common."""
    folder, random = tmp_path_factory.mktemp("noise"), np.random.default_rng(0)
    for number in range(12):
        pixels = random.integers(0, 256, (64, 64), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def found(trained: Run, tiny_registry: Registry, masks: Path) -> Overview:
    return overview(trained, masks=masks, methods=METHODS, registry=tiny_registry)


@pytest.fixture(scope="module")
def inside(trained: Run, tiny_registry: Registry, noise: Path) -> Overview:
    """Of images of more patients than the test part of the run has."""
    return overview(
        trained,
        "phantom?images=40&size=64&seed=9",
        methods=METHODS,
        concepts={EVIL: noise},
        registry=tiny_registry,
    )


def test_each_class_is_sampled_evenly_and_a_rare_one_whole() -> None:
    samples = [Sample(f"s{row}", int(row % 10 == 0), "p") for row in range(100)]
    drawn = stratified(samples, 40, seed=0)
    assert Counter(s.label for s in drawn) == {0: 30, 1: 10}
    assert Counter(s.label for s in stratified(samples, 8, seed=0)) == {0: 4, 1: 4}
    assert drawn == stratified(samples, 40, seed=0)
    assert drawn != stratified(samples, 40, seed=1)
    assert [int(s.name[1:]) for s in drawn] == sorted(int(s.name[1:]) for s in drawn)
    assert stratified(samples, 500, seed=0) == tuple(samples)


def test_the_test_part_alone_is_looked_at(found: Overview, trained: Run) -> None:
    tested = trained.record["splits"]["test"]["images"]
    assert found.own
    assert found.images == found.available == tested
    assert found.masks == tested - 1
    assert sum(mean.images for mean in found.means.classes.values()) == found.masks
    regions = {hidden.region: hidden.images for hidden in found.hidden}
    assert regions["lungs"] == tested - 1
    assert regions["borders"] == tested


def test_the_score_is_that_of_the_run(found: Overview, trained: Run) -> None:
    scored = trained.metrics()["test"]["metrics"]
    assert found.area["value"] == pytest.approx(scored["roc_auc"]["value"], abs=1e-6)
    assert found.accuracy == pytest.approx(scored["accuracy"]["value"], abs=1e-6)


def test_everything_is_written(found: Overview, trained: Run, tmp_path: Path) -> None:
    page = write_overview(found, tmp_path / "global", trained)
    written = {path.name for path in page.parent.iterdir()}
    assert written >= {"report.html", "global.json", "global.npz", "occlusion.png", "mean_maps.png"}
    record = json.loads((page.parent / "global.json").read_text())
    assert record == found.to_record()
    assert [entry["question"] for entry in record["summary"]] == [
        "Does the score survive without the lungs?",
        "Do markers flip answers?",
        "Which concept carries the score?",
        "Where does it look?",
    ]
    assert found.sentences[0].startswith("Does the score survive without the lungs? ")
    assert "About the run" in Page(page.read_text()).text
    with np.load(page.parent / "global.npz", allow_pickle=False) as arrays:
        assert arrays["point positions"].shape == (record["embedding_map"]["points"], 2)
        drawn = [name for name in arrays if name.startswith("mean saliency ")]
        assert drawn
        assert all(arrays[name].shape == (64, 64) for name in drawn)


def test_the_page_tells_it_and_loads_nothing(found: Overview) -> None:
    page = Page(overview_page(found))
    for expected in (
        "Does the score survive without the lungs?",
        "What this network takes for typical",
        "box around the lungs",
        "bright, upper left",
        DISCLAIMER,
        "synthetic data",
    ):
        assert expected in page.text, expected
    shown = sum(len(rows) for groups in found.prototypes.values() for rows in groups)
    names = set(found.reference.names)
    assert sum(alt in names for alt in page.alts) == shown


def test_what_was_left_out_stands_above_and_the_basis_only_in_the_lead(found: Overview) -> None:
    basis, left_out = "8 images the run has not seen.", "3 images were left out: seen before."
    told = dataclasses.replace(found, own=False, notes=Notes(basis, left_out))
    words = Page(overview_page(told)).text
    assert left_out in words
    assert basis not in words
    assert told.to_record()["notes"] == [basis, left_out]
    words = Page(overview_page(dataclasses.replace(told, notes=Notes(basis)))).text
    assert "left out" not in words


def test_a_run_without_pictures_says_so(found: Overview) -> None:
    bare = dataclasses.replace(found, reference=dataclasses.replace(found.reference, thumbnails=()))
    page = Page(overview_page(bare))
    assert "keeps no pictures of its training cases" in page.text
    label, (typical, _) = next(iter(found.prototypes.items()))
    assert found.reference.names[typical[0]] in page.text, label
    assert prototype_sheet(bare) is None


def test_names_from_outside_are_escaped(found: Overview) -> None:
    harmful = dataclasses.replace(
        found, run=EVIL, class_names=("NORMAL", EVIL), notes=Notes("Some images.", EVIL)
    )
    assert "<script" not in overview_page(harmful)


def test_concepts_of_a_folder_are_tested_beside_the_ready_made_ones(inside: Overview) -> None:
    tested = {one.name: one for one in inside.concepts.tested}
    assert tested.keys() == {*READY, EVIL} - {"lung texture"}
    assert inside.concepts.left_out.endswith("patients with known lungs: lung texture.")
    assert tested[EVIL].images == 12
    assert tested[EVIL].verdict != "not seen", "noise looks like no radiograph"
    assert len(inside.factors.each) == 6
    text = Page(overview_page(inside)).text
    for expected in (
        "without sharpness",
        "with marker",
        "Factor 6, for",
        "in percentage points",
    ):
        assert expected in text, expected


def test_few_patients_are_said_to_be_few(found: Overview) -> None:
    reason = "There are images of fewer than 10 patients."
    assert found.concepts.left_out == found.factors.left_out == reason
    assert Page(overview_page(found)).text.count(reason) == 3, "in short and in both sections"


def test_a_folder_of_one_image_is_refused_before_anything_is_done(
    trained: Run, tiny_registry: Registry, tmp_path: Path
) -> None:
    Image.new("L", (64, 64)).save(tmp_path / "one.png")
    with pytest.raises(BadInput, match="'drain' has 1 images"):
        overview(trained, concepts={"drain": tmp_path}, registry=tiny_registry)


def test_without_masks_the_rest_is_there(trained: Run, tiny_registry: Registry) -> None:
    found = overview(trained, methods=METHODS, registry=tiny_registry, sample=8)
    assert found.images == 8
    assert found.masks is None
    assert not found.means.aligned
    assert found.summary()[0][1] == "Not measured: no lung masks were given."
    assert {hidden.region for hidden in found.hidden} == {
        "borders",
        "corners",
        "centre",
        "everything",
    }
    Page(overview_page(found))


def test_masks_of_other_images_are_refused(
    trained: Run, tiny_registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="no folder of masks"):
        overview(trained, masks=tmp_path / "none", methods=METHODS, registry=tiny_registry)
    assert not (trained.path / "global").exists()
    assert run_folder.read(trained.path).done
