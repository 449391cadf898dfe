from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo import BadInput, UnknownName
from zoo.base import registry
from zoo.base.registry import Registry
from zoo.checks.findings import ERROR, LEVELS, NOTE, WARNING, Checked, Finding, worst
from zoo.workflows.check import check

SIDE = 64
PATIENTS = 25
"""Of each class and part; two images each."""


@pytest.fixture(scope="module")
def without_network() -> Registry:
    """What is installed, but no pretrained network: the check then looks at compressed pixels."""
    loaded = registry.load_registry()
    plain = {n: a for n, a in loaded.architectures.items() if not a.pretrained}
    return replace(loaded, architectures=plain)


def chest(seed: int, ill: bool) -> np.ndarray:
    """A picture with a patch in the middle that only the ill have, on noise of its own."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(80, 120, (12, 12), np.uint8))
    pixels = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).copy()
    if ill:
        pixels[24:44, 12:52] += 70
    return pixels


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def name_of(patient: int, take: int, ill: bool) -> str:
    return f"person{patient}_virus_{take}.png" if ill else f"IM-{patient:04d}-{take:04d}.png"


def write(
    folder: Path, change: Callable[[np.ndarray, bool, str], np.ndarray] | None = None
) -> Path:
    """Write a sound data set of two parts, 50 patients each with two images."""
    for number, part in enumerate(("train", "test")):
        for ill in (False, True):
            for one in range(PATIENTS):
                patient = 100 * number + one
                for take in range(2):
                    pixels = chest(1000 * patient + 10 * take + ill, ill)
                    if change is not None:
                        pixels = change(pixels, ill, part)
                    label = "PNEUMONIA" if ill else "NORMAL"
                    save(folder / part / label / name_of(patient, take, ill), pixels)
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one mistake of each kind."""

    def square(pixels: np.ndarray, ill: bool, part: str) -> np.ndarray:
        pixels = pixels.copy()
        if ill:
            pixels[:5, :5] = 255  # a shortcut
        if part == "test":
            pixels = np.clip(pixels.astype(int) // 2 + 100, 0, 255).astype(np.uint8)  # a shift
        return pixels

    folder = write(tmp_path_factory.mktemp("planted"), square)
    normal, ill = folder / "train" / "NORMAL", folder / "train" / "PNEUMONIA"
    save(
        folder / "test/NORMAL/IM-0003-0009.png", chest(800_000, ill=False)
    )  # patient 3 is in train
    whole = (ill / "person4_virus_0.png").read_bytes()
    (folder / "test/PNEUMONIA/person999_virus_0.png").write_bytes(whole)  # a copy
    stored = np.asarray(Image.open(ill / "person5_virus_0.png"))
    darker = (stored * 0.9).astype(np.uint8)
    save(folder / "test/PNEUMONIA/person998_virus_0.png", darker)  # nearly a copy
    wrong = chest(800_001, ill=True)
    wrong[:5, :5] = 255
    save(normal / "IM-0900-0001.png", wrong)  # a wrong label
    (normal / "IM-0901-0001.png").write_bytes((normal / "IM-0001-0001.png").read_bytes()[:400])
    save(normal / "IM-0902-0001.png", np.full((SIDE, SIDE), 7, np.uint8))  # shows nothing
    for one in range(3):
        for label, is_ill in (("NORMAL", False), ("PNEUMONIA", True)):
            pixels = chest(900_000 + one, is_ill)
            save(folder / "val" / label / name_of(700 + one, 0, is_ill), pixels)
    return folder


@pytest.fixture(scope="module")
def found(planted: Path, without_network: Registry) -> Checked:
    return check(str(planted), registry=without_network)


def of_kind(checked: Checked, kind: str) -> Finding:
    return next(f for f in checked.findings if f.kind == kind)


def test_a_sound_set_has_neither_errors_nor_warnings(
    sound: Path, without_network: Registry
) -> None:
    checked = check(str(sound), registry=without_network)
    told = [f.kind for f in checked.findings if f.level != NOTE]
    assert told == ["shortcut file"]  # the patch changes the mean, as a real opacity does
    assert checked.result["duplicates"] == dict.fromkeys(
        ("exact_groups", "surplus", "near_pairs", "pairs"), 0
    )


@pytest.mark.parametrize(
    ("kind", "level", "image"),
    [
        ("unreadable", ERROR, "train/NORMAL/IM-0901-0001.png"),
        ("patients in two parts", ERROR, "test/NORMAL/IM-0003-0009.png"),
        ("duplicates between parts", ERROR, "test/PNEUMONIA/person999_virus_0.png"),
        ("near duplicates between parts", ERROR, "test/PNEUMONIA/person998_virus_0.png"),
        ("labels", NOTE, "train/NORMAL/IM-0900-0001.png"),
        ("flat", WARNING, "train/NORMAL/IM-0902-0001.png"),
        ("small validation", WARNING, None),
        ("shortcut border", WARNING, None),
        ("shift", WARNING, None),
    ],
)
def test_each_planted_mistake_is_found_with_its_file(
    found: Checked, kind: str, level: str, image: str | None
) -> None:
    finding = of_kind(found, kind)
    assert finding.level == level
    if image is not None:
        assert image in [*finding.names, *(name for group in finding.groups for name in group)]
    assert finding.remedy


def test_the_wrong_label_is_the_first_suspect(found: Checked) -> None:
    first = found.result["suspected"][0]
    assert first["name"] == "train/NORMAL/IM-0900-0001.png"
    assert (first["label"], first["predicted"]) == ("NORMAL", "PNEUMONIA")
    assert first["probability"] > 0.7


def test_the_result_is_plain_data_and_says_what_is_there(found: Checked) -> None:
    result: Any = json.loads(json.dumps(found.result, allow_nan=False))
    assert result["schema"] == 1
    assert result["counts"]["validation"] == {"NORMAL": 3, "PNEUMONIA": 3}
    assert result["images"] == len(found.dataset.samples) == 211
    assert (result["broken"], result["patient_rule"]) == (1, "kermany")
    assert result["sizes"] == [{"width": SIDE, "height": SIDE, "images": 211}]
    assert (result["distinct_sizes"], result["modes"]) == (1, {"L": 211})
    assert [entry["name"] for entry in result["baselines"]] == ["file", "border"]
    assert [entry["between"] for entry in result["shift"]] == [["train", "test"]]
    assert result["exposure"]["PNEUMONIA"]["median"] > result["exposure"]["NORMAL"]["median"]
    assert result["duplicates"]["exact_groups"] == result["duplicates"]["near_pairs"] == 1
    assert result["features"] == "pixels"
    assert [f["level"] for f in result["findings"]] == sorted(
        (f.level for f in found.findings), key=LEVELS.index
    )
    assert worst(found.findings) == ERROR


def test_masks_give_two_more_baselines(
    sound: Path, without_network: Registry, tmp_path: Path
) -> None:
    names = [p.relative_to(sound) for p in sorted(sound.rglob("*.png"))]
    for name in names[:-5]:
        inside = np.zeros((SIDE, SIDE), np.uint8)
        inside[22:46, 10:54] = 255
        save(tmp_path / name, inside)
    checked = check(str(sound), masks=tmp_path, registry=without_network)
    areas = {e["name"]: e["roc_auc"] for e in checked.result["baselines"]}
    assert areas["lungs"]["value"] > 0.99
    assert areas["outside"]["low"] < 0.6
    assert "5 images of 200 without a mask" in of_kind(checked, "masks missing").message


def test_another_source_is_searched_for_copies_and_a_shift(
    sound: Path, without_network: Registry, tmp_path: Path
) -> None:
    for one in range(30):
        for label, ill in (("PNEUMONIA", True), ("NORMAL", False)):
            bright = np.clip(chest(950_000 + one, ill).astype(int) + 60, 0, 255).astype(np.uint8)
            save(tmp_path / label / f"{one}{label}.png", bright)
    stolen = sorted(sound.rglob("person7_virus_0.png"))[0]
    (tmp_path / "PNEUMONIA/stolen.png").write_bytes(stolen.read_bytes())
    (tmp_path / "NORMAL/broken.png").write_text("no image")
    checked = check(str(sound), other=str(tmp_path), registry=without_network)
    assert of_kind(checked, "unreadable").names == (f"{tmp_path}: NORMAL/broken.png",)
    assert checked.result["broken"] == 0
    group = of_kind(checked, "duplicates between parts").groups
    assert group == (("train/PNEUMONIA/person7_virus_0.png", f"{tmp_path}: PNEUMONIA/stolen.png"),)
    assert checked.result["duplicates"]["exact_groups"] == 0
    pairs = [entry["between"] for entry in checked.result["shift"]]
    assert pairs == [["train", "test"], ["train", str(tmp_path)]]
    assert checked.result["shift"][1]["roc_auc"]["low"] > 0.9
    assert checked.result["other"] == str(tmp_path)


def test_too_few_patients_are_said_and_stop_nothing(
    without_network: Registry, tmp_path: Path
) -> None:
    for number, name in enumerate(("A/one.png", "B/two.png", "B/three.png")):
        save(tmp_path / name, chest(number, ill=False))
    checked = check(str(tmp_path), registry=without_network)
    assert "at least two patients of each class" in of_kind(checked, "too few").message
    assert checked.result["baselines"] == checked.result["suspected"] == []


def test_what_cannot_be_used_is_told_at_once(
    sound: Path, without_network: Registry, tmp_path: Path
) -> None:
    for error, words, more in (
        (UnknownName, "There is no class", {"positive": "FLU"}),
        (BadInput, "no folder of masks", {"masks": tmp_path / "none"}),
        (BadInput, "not a data set", {"other": str(tmp_path / "none")}),
    ):
        with pytest.raises(error, match=words):
            check(str(sound), registry=without_network, **more)
