"""What a run can say to each item of CLAIM, the checklist for studies of AI in medical imaging.

The numbers are those of the checklist; the words are ours, in short.

Source: Tejani, Klontzas, Gatti, Mongan, Moy, Park, Kahn, "Checklist for Artificial Intelligence in
Medical Imaging (CLAIM): 2024 Update", Radiology: Artificial Intelligence, 2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.base.number_text import value_text
from zoo.base.sources import source_name
from zoo.report.tables import TITLES
from zoo.runs.record import IMPORTED

NOT_REPORTED = "not reported"
ITEMS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Title and abstract", ("Kind of AI named in the title", "Summary of the study")),
    ("Introduction", ("Background and intended role", "Aims and hypotheses")),
    ("Study design", ("Prospective or retrospective", "Goal of the study")),
    (
        "Data",
        (
            "Where the data come from",
            "Who was included and excluded",
            "Preprocessing",
            "Choice of subsets",
            "De-identification",
            "Missing data",
            "How images were acquired",
        ),
    ),
    (
        "Reference standard",
        (
            "How the truth was established",
            "Why in this way",
            "Who annotated",
            "How the test images were annotated",
            "Agreement between and within annotators",
        ),
    ),
    ("Partitions", ("How cases were assigned", "Level at which parts are disjoint")),
    ("Testing data", ("Sample size that was planned",)),
    ("Model", ("Description of the model", "Software", "Start values of the weights")),
    ("Training", ("Training procedure", "Choice of the final model", "Ensembles")),
    (
        "Evaluation",
        (
            "Metrics",
            "Significance and uncertainty",
            "Robustness",
            "Explainability",
            "Evaluation on internal data",
            "Testing on external data",
            "Registration of the trial",
        ),
    ),
    ("Results: data", ("Patients included and excluded", "Demographic and clinical features")),
    (
        "Results: performance",
        ("Performance and its uncertainty", "Diagnostic performance and its precision", "Failures"),
    ),
    ("Discussion", ("Limitations", "Meaning for practice")),
    ("Other", ("Protocol or further details", "Software, model and data at hand", "Funding")),
)


@dataclass(frozen=True)
class Item:
    """One item of the checklist and the answer; an empty answer is 'not reported'."""

    number: int
    section: str
    words: str
    answer: str


def checklist(
    record: Mapping[str, Any], test: Mapping[str, Any], elsewhere: Mapping[str, Mapping[str, Any]]
) -> list[Item]:
    """Fill in all 44 items as far as a run knows them.

    `record` is the run's record, `test` its scores on the test part, `elsewhere` the ROC-AUC on
    other data by name.
    """
    answers = {
        **_data(record),
        **_model(record),
        **_evaluation(record, test, elsewhere),
        40: "See Limits, on this card.",
        41: "None: for research and teaching, not for patients.",
    }
    words = [(section, item) for section, items in ITEMS for item in items]
    return [
        Item(number, section, item, answers.get(number, ""))
        for number, (section, item) in enumerate(words, 1)
    ]


def patients_known(data: Mapping[str, Any]) -> bool:
    """Tell whether the data were divided by patient, and not each image for itself."""
    return bool(data["patient_rule"] != "none" or data["patients"] < data["images"])


def _data(record: Mapping[str, Any]) -> dict[int, str]:
    data, splits = record["data"], record["splits"]
    height, width, channels = record["input_shape"]
    broken, rule = data.get("broken", 0), data["patient_rule"]
    numbers = ", ".join(f"{part} {split['images']:,}" for part, split in splits.items())
    left_out = f"{broken:,} unreadable images were left out." if broken else ""
    return {
        7: f"{source_name(data['source'])}{' (synthetic)' if data.get('synthetic') else ''}.",
        9: (
            f"Resized to {height} x {width} without keeping proportions, "
            f"{'gray' if channels == 1 else 'RGB'}, values 0 to 255; scaled inside the network."
        ),
        12: left_out or "No image was unreadable; images have no other fields.",
        19: f"As the source gives it, or at random with seed {split_seed(record)}: {numbers}.",
        20: (
            "Image: patients are not known."
            if not patients_known(data)
            else f"Patient (rule: {rule}); patients with an identical image are kept together."
        ),
        35: f"{data['images']:,} images of {data['patients']:,} patients. {left_out}".rstrip(),
        36: "Numbers of each class only; age, sex and illness are not reported.",
    }


def split_seed(record: Mapping[str, Any]) -> int:
    """Return what the division of the data followed of, where the source gives none."""
    return int(record["recipe"].get("split_seed", record["seed"]))


def _members(record: Mapping[str, Any]) -> str:
    members = record["options"].get("members")
    if not members:
        return "None: one network."
    shifted = ", each image also shifted" if record["options"].get("shifts") else ""
    return f"The mean of the logits of {', '.join(members)}{shifted}."


def of_elsewhere(record: Mapping[str, Any]) -> str:
    """Say where a network comes from that was not trained here; empty of one that was."""
    options = record["options"]
    if record["architecture"] != IMPORTED:
        return ""
    seen = "none of these images" if options["unseen"] else "nobody knows which of these images"
    return (
        f"Trained elsewhere, in a way that is not known: '{options['file']}' (digest "
        f"{options['digest']}), fed {options['input_range']} here. It has seen {seen}."
    )


def _model(record: Mapping[str, Any]) -> dict[int, str]:
    recipe, parameters = record["recipe"], record.get("parameters") or {}
    pretrained, best = record.get("pretrained"), record.get("training", {}).get("best_epoch")
    shape = " x ".join(map(str, record["input_shape"]))
    weights = f", {parameters['total']:,} weights" if parameters else ""
    start = f"Weights learned on {pretrained}" if pretrained else "Random"
    if of_elsewhere(record):
        start = "Not known"
    positive = record["class_names"][record["positive"]]
    return {
        1: f"Deep learning: {record['architecture']}.",
        2: "This card.",
        3: "Intended for research and teaching; the background is not reported.",
        6: f"To train and test a classifier of {', '.join(record['class_names'])}; "
        f"{positive} is looked for.",
        22: f"{record['architecture']}, input {shape}{weights}; see Network and training.",
        23: ", ".join(f"{name} {version}" for name, version in record["versions"].items()) + ".",
        24: f"{start} (seed {record['seed']}).",
        25: of_elsewhere(record)
        or (
            f"At most {recipe['epochs']} epochs, batches of {recipe['batch_size']}, learning rate "
            f"{recipe['learning_rate']:g} ({recipe['schedule']}), augmentation "
            f"{recipe['augmentation']}; see Network and training."
        ),
        26: "Those of the file."
        if of_elsewhere(record)
        else f"Weights of the epoch with the best {recipe['monitor']} on the validation part, of "
        "equal ones with the lowest loss" + (f": {best}." if best else "."),
        27: _members(record),
        42: f"Command: {' '.join(record['command'])}." if record.get("command") else "",
        43: f"Made with xray-zoo {record['versions'].get('xray-zoo', '')}; model and data: "
        "not reported.",
    }


def _evaluation(
    record: Mapping[str, Any], test: Mapping[str, Any], elsewhere: Mapping[str, Mapping[str, Any]]
) -> dict[int, str]:
    metrics = test["metrics"]
    part = record["splits"]["test"]
    rates = [f"{TITLES[name]} {value_text(metrics[name])}" for name in metrics]
    return {
        28: ", ".join(TITLES[name] for name in metrics) + ", calibration error, Brier score.",
        29: (
            "95 % intervals by patient: DeLong's variance and that of a share, on the logit scale; "
            f"of PR-AUC the percentile bootstrap, {test['resamples']:,} resamples."
        ),
        32: f"Test part: {part['images']:,} images of {part['patients']:,} patients.",
        33: "; ".join(f"{name}: ROC-AUC {value_text(area)}" for name, area in elsewhere.items()),
        37: f"Test part: {', '.join(rates[2:])}.",
        38: f"Test part: {', '.join(rates[:2])}.",
    }
