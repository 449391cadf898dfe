"""What is shown of data, and of single images: findings, predictions, cases and maps."""

from __future__ import annotations

from zoo.base.explanations import Attribution
from zoo.checks.findings import Checked, Finding
from zoo.data.queries import Skipped
from zoo.interpret.case import Case
from zoo.report.cases.index import Entry
from zoo.report.cases.page import case_page
from zoo.report.cases.text import prediction_text
from zoo.report.figures.answers import draw_case, draw_map, draw_probabilities
from zoo.report.figures.forest import forest_row
from zoo.report.pages.check import check_page, verdict
from zoo.report.style import WIDTH
from zoo.report.summary import Row, Summary
from zoo.runs.causes import Cause
from zoo.workflows.doctor import Examined
from zoo.workflows.predict import Prediction
from zoo.workflows.summaries.dispatch import summary
from zoo.workflows.summaries.forests import in_forest


@summary.register
def _(thing: Finding) -> Summary:
    row = {"level": thing.level, "kind": thing.kind, "found": thing.message}
    return Summary(rows=[{**row, "remedy": thing.remedy, "images": _images(thing)}])


def _images(finding: Finding) -> int:
    return len(finding.names) or sum(map(len, finding.groups))


@summary.register
def _(thing: Checked) -> Summary:
    result = thing.result
    rows = [forest_row(entry["title"], entry["roc_auc"]) for entry in result["baselines"]]
    told = f"{result['images']:,} images of {result['patients']:,} patients"
    return Summary(
        title=f"Check of {result['source']}",
        lines=(
            verdict([finding.level for finding in thing.findings]),
            f"{told}; {result['positive']} is the class looked for.",
        ),
        rows=[row for finding in thing.findings for row in summary(finding).rows],
        synthetic=thing.dataset.synthetic,
        page=lambda: check_page(thing),
        **in_forest(rows, "ROC-AUC without the lungs", {0.5: "chance"}),
    )


@summary.register
def _(thing: Cause) -> Summary:
    row = {"kind": thing.kind, "verdict": thing.verdict, "evidence": thing.evidence}
    return Summary(rows=[{**row, "remedy": thing.remedy}])


@summary.register
def _(thing: Examined) -> Summary:
    return Summary(rows=[thing.row()])


@summary.register
def _(thing: Prediction) -> Summary:
    row = {"name": thing.name, "answer": thing.label, "reason": thing.reason}
    title = f"{thing.name}: {thing.label}"
    return Summary(
        title=title,
        rows=[{**row, **thing.probabilities}],
        draw=lambda axes: draw_probabilities(axes, title, thing.probabilities, thing.label),
        size=(WIDTH, 0.9 + 0.35 * min(10, len(thing.probabilities))),
    )


@summary.register
def _(thing: Skipped) -> Summary:
    return Summary(rows=[{"name": thing.name, "answer": "skipped", "reason": thing.reason}])


@summary.register
def _(thing: Case) -> Summary:
    rows: list[Row] = [
        {
            "name": thing.name,
            "method": given.method,
            "target": thing.class_names[given.target],
            "verdict": thing.trust[given.method].level if given.method in thing.trust else None,
            "reason": thing.trust[given.method].reason if given.method in thing.trust else None,
        }
        for given in thing.explanations
    ]
    return Summary(
        title=thing.name,
        lines=[prediction_text(thing)],
        rows=rows,
        notes=thing.notes,
        synthetic=thing.synthetic,
        draw=lambda axes: draw_case(axes, thing),
        page=lambda: case_page([thing]),
    )


@summary.register
def _(thing: Entry) -> Summary:
    maps = ", ".join(f"{count} {level}" for level, count in thing.verdicts.items())
    row = {"name": thing.name, "answer": thing.answer, "probability": thing.confidence}
    return Summary(rows=[{**row, "maps": maps, "files": ", ".join(thing.files.values())}])


@summary.register
def _(thing: Attribution) -> Summary:
    facts = [{"fact": name, "value": value} for name, value in thing.details.items()]
    return Summary(thing.method, rows=facts, draw=lambda axes: draw_map(axes, thing))
