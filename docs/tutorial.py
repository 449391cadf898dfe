"""Draw the figures of docs/tutorial.md and fill in its numbers: `python docs/tutorial.py`.

All of it rests on the phantom, drawings of patients who do not exist. It takes some minutes.
"""

from __future__ import annotations

import os
import re
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from zoo import Architecture, Run, hookimpl

SOURCE = "phantom?images=1000&size=96&prevalence=0.625"
FEW = "phantom?images=160&size=96&prevalence=0.625"
ELSEWHERE = "phantom?images=240&size=96&seed=7&difficulty=0.65"
SHAPE = (96, 96, 3)
STRESSED = 60
PAGE = Path(__file__).with_name("tutorial.md")
FIGURES = Path(__file__).with_name("images")
DPI = 90
MARKED = re.compile(r"<!--(\w+)-->.*?<!--/-->", re.DOTALL)
NAMES = frozenset(
    {
        "alarm", "baselines", "change", "clean", "elsewhere", "elsewhere_size", "few_size",
        "few_test", "finding", "right_size", "right_test", "uncertain", "unknown", "verdict",
        "worst", "wrong_test", "wrong_validation",
    }
)  # fmt: skip
"""What is measured; the marks of the page have these names."""


class Mistake:
    """The architecture `divided`: efficientnet, fed with pixels that were divided before."""

    __name__ = "mistake"

    @hookimpl
    def zoo_architectures(self) -> list[Architecture]:
        """Declare it."""
        return [
            Architecture(
                name="divided",
                summary="A frozen network that is fed with pixels divided by 255.",
                build=build,
                parameters=1_000_000,
                pretrained="ImageNet",
                input_shape=SHAPE,
            )
        ]


def build(input_shape: tuple[int, int, int], num_classes: int) -> Any:
    """Scale pixels to 0-1, and hand them to a network that expects 0-255."""
    import keras

    right = zoo.load_registry().architecture("efficientnet")
    network = right.build(input_shape, num_classes, features="last")
    pixels = keras.Input(input_shape)
    divided = keras.layers.Rescaling(1 / 255)(pixels)
    return keras.Model(pixels, network(divided))


def main() -> None:
    """Go the whole way, from one class for every image to a score that holds."""
    registry = zoo.load_registry(Mistake())
    asked = {"registry": registry, "changes": {"epochs": 10}, "input_shape": SHAPE}
    told: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_RUNS"] = folder
        wrong = zoo.train("divided", SOURCE, preset="fast", **asked)
        right = zoo.train("efficientnet", SOURCE, preset="fast", **asked)
        few = zoo.train("efficientnet", FEW, preset="fast", **asked)
        told |= of_trainings(wrong, right, few)
        draw_answers({"divided by 255 before": wrong, "as the network wants them": right})
        keep(right.plot(), "curves")
        found = [one.message for one in zoo.check(SOURCE).findings if "shortcut" in one.kind]
        told["finding"] = found[0] if found else "nothing: these drawings carry no shortcut."
        told |= of_scores(zoo.evaluate(right).result)
        tested = zoo.stress(right, images=STRESSED)
        keep(tested.plot(), "stress")
        told |= of_stress(tested)
        told |= of_elsewhere(zoo.evaluate(right, ELSEWHERE).result)
        case = one_case(right, Path(folder))
        keep(case.plot(), "map")
        trust = case.trust["gradcam"]
        told["verdict"] = f"'{trust.level}': {trust.reason.rstrip('.')}"
    PAGE.write_text(filled(PAGE.read_text("utf-8"), told), "utf-8")


def filled(page: str, told: Mapping[str, str]) -> str:
    """Put what was measured between the marks of the page, and the sources into its commands."""
    page = re.sub(r"phantom\?images=\d+&size=96&prevalence=0\.625", SOURCE, page)
    page = re.sub(r"phantom\?images=\d+&size=96&seed=\d+&difficulty=[\d.]+", ELSEWHERE, page)
    page = re.sub(r"stress\(run, images=\d+\)", f"stress(run, images={STRESSED})", page)
    return MARKED.sub(lambda found: f"<!--{found[1]}-->{told[found[1]]}<!--/-->", page)


def of_trainings(wrong: Run, right: Run, few: Run) -> dict[str, str]:
    """Return the alarm of the first run, the areas of all three, and the sizes of their parts."""
    alarm = next(one for one in wrong.alarms if one.kind == "constant features")
    warning = textwrap.fill(f"Warning: {alarm}", 96)
    test = {name: run.metrics()["test"] for name, run in (("right", right), ("few", few))}
    return {
        "alarm": f"\n```text\n{warning}\n```\n",
        "wrong_validation": area(wrong.metrics()["validation"]["metrics"]),
        "wrong_test": area(wrong.metrics()["test"]["metrics"]),
        "right_test": area(test["right"]["metrics"]),
        "right_size": size(test["right"]),
        "few_test": area(test["few"]["metrics"]),
        "few_size": size(test["few"]),
    }


def of_scores(scores: Mapping[str, Any]) -> dict[str, str]:
    """Return what the baselines reach on the test part."""
    found = [f"{one['roc_auc']['value']:.3f}" for one in scores["baselines"]]
    return {"baselines": " and ".join(found)}


def of_stress(tested: Any) -> dict[str, str]:
    """Return the balanced accuracy on images as they are, and under the worst change."""
    rows = tested.result["rows"]
    worst = min(rows, key=lambda row: row["metrics"]["balanced_accuracy"]["value"])
    return {
        "clean": f"{tested.result['clean']['metrics']['balanced_accuracy']['value']:.3f}",
        "worst": f"{worst['metrics']['balanced_accuracy']['value']:.3f}",
        "change": f"{worst['stress']} ({worst['text']})",
    }


def of_elsewhere(scores: Mapping[str, Any]) -> dict[str, str]:
    """Return the area on data from elsewhere, and which shares of them are refused."""
    refused = scores["refusals"]
    return {
        "elsewhere": area(scores["metrics"]),
        "elsewhere_size": size(scores),
        "uncertain": f"{refused['uncertain']:.0%}".replace("%", " %"),
        "unknown": f"{refused['unknown']:.0%}".replace("%", " %"),
    }


def area(metrics: Mapping[str, Any]) -> str:
    """Return the ROC-AUC with its interval."""
    return "{value:.3f} ({low:.3f} to {high:.3f})".format(**metrics["roc_auc"])


def size(part: Mapping[str, Any]) -> str:
    """Return how many images and patients were scored."""
    return f"{part['images']} images of {part['patients']} patients"


def one_case(run: Run, folder: Path) -> zoo.Case:
    """Explain one image that the run has not seen."""
    _, path = zoo.sample(folder, ELSEWHERE, count=1)
    made = zoo.explain([path], run, methods=["gradcam"])
    return next(case for case in made if isinstance(case, zoo.Case))


def draw_answers(runs: dict[str, Run]) -> None:
    """Draw the probability that each network gives each image of the test part."""
    from matplotlib import pyplot as plt

    _, panels = plt.subplots(1, len(runs), figsize=(7, 2.6), sharey=True, layout="constrained")
    for axes, (title, run) in zip(panels, runs.items(), strict=True):
        with np.load(run.path / "test.npz", allow_pickle=False) as kept:
            logits, labels = kept["logits"] / run.temperature, kept["labels"]
        chances = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        edges = np.linspace(0, 1, 21)
        values = [chances[labels == label] for label in (0, 1)]
        axes.hist(values, edges, stacked=True, color=["#56B4E9", "#D55E00"], label=run.class_names)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("probability of PNEUMONIA")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("images of the test part")
    panels[0].legend(frameon=False, fontsize=9)
    keep(panels[0], "answers")


def keep(axes: Any, name: str) -> None:
    """Write a figure beside the others of the documentation."""
    axes.figure.savefig(FIGURES / f"tutorial-{name}.png", dpi=DPI)


if __name__ == "__main__":
    main()
