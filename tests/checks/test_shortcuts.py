from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plugins.readers.phantom import zoo_read_dataset
from zoo import Dataset, Header, Sample
from zoo.checks.findings import NOTE, WARNING
from zoo.checks.shortcuts import shortcuts, without_mask
from zoo.data import baseline_inputs, baselines
from zoo.data.baseline_inputs import BORDER, FILE, LUNGS, OUTSIDE


@pytest.fixture(scope="module")
def phantom() -> Dataset:
    dataset = zoo_read_dataset("phantom", {"images": "160", "size": "64"})
    assert dataset is not None
    return dataset


def with_bright_corner(dataset: Dataset) -> Dataset:
    """The same images, but those of one class carry a bright square in a corner."""

    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        pixels = dataset.read(sample, size).copy()
        if sample.label == 1:
            pixels[:4, :4] = 255
        return pixels

    return replace(dataset, read=read)


def checked(measured: dict[str, np.ndarray], samples: tuple[Sample, ...]) -> tuple[dict, dict]:
    truth = np.array([s.label == 1 for s in samples])
    people = [s.patient for s in samples]
    folds = baselines.fold_numbers(truth, people)
    entries, findings = shortcuts(
        measured, np.arange(len(truth)), truth, people, folds, "PNEUMONIA"
    )
    return {e["name"]: e for e in entries}, {f.kind: f for f in findings}


def test_a_planted_bright_corner_is_found_in_the_border(phantom: Dataset) -> None:
    plain, told = checked(
        baseline_inputs.baseline_inputs(phantom, phantom.samples), phantom.samples
    )
    assert "shortcut border" not in told
    planted = with_bright_corner(phantom)
    entries, told = checked(
        baseline_inputs.baseline_inputs(planted, planted.samples), planted.samples
    )
    assert told["shortcut border"].level == WARNING
    assert entries[BORDER]["roc_auc"]["value"] > 0.99
    assert entries[BORDER]["roc_auc"]["low"] > 0.9 > plain[BORDER]["roc_auc"]["high"]
    assert "PNEUMONIA is told with ROC-AUC" in told["shortcut border"].message


@pytest.mark.parametrize(("step", "word"), [(300, "higher"), (-300, "lower")])
def test_a_planted_file_size_is_found_and_named(phantom: Dataset, step: int, word: str) -> None:
    def header(sample: Sample) -> Header:
        return Header(64, 64, "L", 2000 + step * sample.label + hash(sample.name) % 200)

    dataset = replace(phantom, header=header)
    entries, told = checked(
        baseline_inputs.baseline_inputs(dataset, dataset.samples), dataset.samples
    )
    assert entries[FILE]["roc_auc"]["low"] > 0.9
    assert f"Strongest alone: bytes ({word}, 1.000)" in told["shortcut file"].message


def test_images_that_are_not_files_are_said_to_have_an_exposure_only(phantom: Dataset) -> None:
    entries, _ = checked(baseline_inputs.baseline_inputs(phantom, phantom.samples), phantom.samples)
    assert entries[FILE]["title"] == "file: mean, contrast"


def test_chance_in_a_small_set_is_no_shortcut() -> None:
    random = np.random.default_rng(0)
    samples = tuple(Sample(f"{n}", n % 2, f"p{n}") for n in range(30))
    warned = []
    for _ in range(10):
        _, told = checked({BORDER: random.normal(size=(30, 20))}, samples)
        warned.append("shortcut border" in told)
    assert sum(warned) <= 1


def test_lungs_may_tell_the_disease_but_not_what_is_outside() -> None:
    random = np.random.default_rng(1)
    samples = tuple(Sample(f"{n}", n % 2, f"p{n}") for n in range(120))
    truth = np.arange(120) % 2
    measured = {
        LUNGS: random.normal(size=(120, 40)) + truth[:, None],
        OUTSIDE: random.normal(size=(120, 40)) + truth[:, None],
    }
    entries, told = checked(measured, samples)
    assert entries[LUNGS]["roc_auc"]["value"] > 0.9
    assert told.keys() == {"shortcut outside"}


def test_images_without_a_mask_are_left_out_and_counted() -> None:
    samples = tuple(Sample(f"{n}", n % 2, f"p{n}") for n in range(40))
    values = np.random.default_rng(2).normal(size=(40, 30))
    values[:7] = np.nan
    measured = {BORDER: np.nan_to_num(values), LUNGS: values}
    entries, _ = checked(measured, samples)
    assert (entries[BORDER]["images"], entries[LUNGS]["images"]) == (40, 33)
    (finding,) = without_mask(measured)
    assert "7 images of 40" in finding.message
    assert without_mask({BORDER: values}) == without_mask({LUNGS: values[7:]}) == []


def test_too_few_masks_are_said_and_stop_nothing() -> None:
    samples = tuple(Sample(f"{n}", n % 2, f"p{n}") for n in range(40))
    values = np.random.default_rng(3).normal(size=(40, 30))
    few = np.where(np.arange(40)[:, None] % 2 == 0, values, np.nan)  # of one class only
    entries, told = checked({LUNGS: few, BORDER: values}, samples)
    assert entries.keys() == {BORDER}
    assert told["no lungs"].level == NOTE
    assert "of one class" in told["no lungs"].message
