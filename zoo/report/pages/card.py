"""The model card of a run: what it is for, what it was made of, how good it is and where it ends.

Source of the form: Mitchell et al., "Model cards for model reporting", 2019.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo import DISCLAIMER
from zoo.base.sources import source_name
from zoo.base.types import TEST
from zoo.report.facts import best_epoch
from zoo.report.pages import belief
from zoo.report.pages.claim import (
    NOT_REPORTED,
    checklist,
    patients_known,
    split_seed,
)
from zoo.report.pages.comparison import duration
from zoo.report.pages.groups import group_sections
from zoo.report.pages.stress import worst_rows
from zoo.report.rendering import command_line, render
from zoo.report.tables import baseline_rows, basis, calibration_text, metric_rows
from zoo.runs.decision import FRAMED
from zoo.runs.diagnosis import diagnose, held_back, the_others, untold
from zoo.runs.run_folder import Run

INTENDED = (
    "Research on, and teaching of, image classification and its explanation. It is not a medical "
    "device, was not tested on patients, and must not take part in any decision about one."
)


def model_card(run: Run, *, disclaimer: str = DISCLAIMER) -> str:
    """Return the model card of a finished run as one HTML page.

    Raises:
        DamagedRun: the scores of the run cannot be read.
    """
    record, test = run.record, run.metrics()[TEST]
    others, causes, by_group = run.scored_elsewhere(), diagnose(run), run.scored_by_group()
    data = record["data"]
    items = checklist(record, test, others)
    return render(
        "card.html.j2",
        title=f"Model card of {run.name}",
        lead=(
            f"{record['architecture']}, trained to tell {_listed(run.class_names)} on "
            f"{record['splits']['train']['images']:,} images."
        ),
        held_back=held_back(causes),
        the_others=the_others(causes),
        intended=INTENDED,
        data=_data(record),
        notes=data.get("notes") or (),
        counts={
            "names": run.class_names,
            "rows": [(part, split["classes"]) for part, split in record["splits"].items()],
        },
        network=_network(record),
        recipe={key.replace("_", " "): _plain(value) for key, value in record["recipe"].items()},
        basis=basis(test),
        metrics=metric_rows(test),
        baselines=baseline_rows(test),
        said=belief.statements(
            {"operating_threshold": record.get("operating_point"), **test}, "the test part"
        ),
        calibration=calibration_text(test),
        others=[{"name": name, "told": belief.value_text(area)} for name, area in others.items()],
        stress=[worst_rows(name, result) for name, result in run.under_stress().items()],
        groups=[
            section
            for name, groups in by_group.items()
            for section in group_sections(
                groups, run.class_names[record["positive"]], where=f", {name}"
            )
        ],
        alarms=untold(run.alarms, causes),
        limits=_limits(run, others, sorted({g["column"] for gs in by_group.values() for g in gs})),
        items=items,
        not_reported=NOT_REPORTED,
        answered=sum(bool(item.answer) for item in items),
        versions=record["versions"],
        command=command_line(record["command"]) if record.get("command") else "",
        information={},
        synthetic=bool(data.get("synthetic")),
        disclaimer=disclaimer,
    )


def _data(record: Mapping[str, Any]) -> dict[str, str]:
    data, seed = record["data"], split_seed(record)
    facts = {
        "Source": source_name(data["source"]),
        "Images": f"{data['images']:,}",
        "Patients": f"{data['patients']:,}",
        "Patient rule": data["patient_rule"],
        "Unreadable images left out": f"{data.get('broken', 0):,}",
        "Divided": f"by patient, seed {seed}"
        if patients_known(data)
        else f"by image, seed {seed}; patients are not known",
        "Fingerprint": data.get("fingerprint", ""),
    }
    return {name: text for name, text in facts.items() if text}


def _network(record: Mapping[str, Any]) -> dict[str, str]:
    parameters, training = record.get("parameters") or {}, record.get("training") or {}
    facts = {
        "Architecture": record["architecture"],
        "Pretrained on": record.get("pretrained") or "nothing (from scratch)",
        "Input": " x ".join(map(str, record["input_shape"])) + ", values 0 to 255",
        "Sees": _seen(record),
        "Weights": f"{parameters['total']:,}, of which {parameters['trainable']:,} are trained"
        if parameters
        else "",
        "Options": ", ".join(f"{key} {_plain(v)}" for key, v in (record["options"] or {}).items()),
        "Best epoch": best_epoch(training) if training else "",
        "Training took": duration(training.get("seconds")) if training else "",
        "Begun": record.get("created", "")[:16].replace("T", " "),
    }
    return {name: text for name, text in facts.items() if text}


def _seen(record: Mapping[str, Any]) -> str:
    frame = FRAMED.get(record.get("frame", ""))
    if frame is None:
        return "the whole picture"
    return f"the {frame}, cut out by itself, at {' x '.join(map(str, record['sees'][:2]))}"


def _limits(run: Run, others: Mapping[str, Any], columns: Sequence[str]) -> list[str]:
    data = run.record["data"]
    limits = [
        f"It knows only {_listed(run.class_names)}; every other finding gets one of these names.",
        (
            "The scores hold for images made and chosen like those of its own data. On images of "
            "another hospital, machine or age group they can be far lower."
        ),
    ]
    if not others:
        limits.append("It was never scored on data from elsewhere.")
    if not run.under_stress():
        limits.append("How it bears the changes that another machine makes was not measured.")
    if not patients_known(data):
        limits.append(
            "Patients are not known: images of one patient may be in several parts, and the "
            "scores too good."
        )
    if data.get("synthetic"):
        limits.append("It was trained on synthetic images and knows nothing of real ones.")
    limits.append("Who labelled the images, and how, is not known to the run.")
    limits.append(
        f"Of groups of images only those by {', '.join(columns)} were scored."
        if columns
        else "It was not scored by age, sex or another group of patients: some may fare worse."
    )
    return limits


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
