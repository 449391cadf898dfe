"""Draw the figures of docs/tutorial.md and print its numbers: `python docs/tutorial.py`.

All of it rests on the phantom, drawings of patients who do not exist.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from zoo import Architecture, Run, hookimpl

SOURCE = "phantom?images=160&size=96&prevalence=0.625"
ELSEWHERE = "phantom?images=60&size=96&seed=7&difficulty=0.65"
SHAPE = (96, 96, 3)
FIGURES = Path(__file__).with_name("images")
DPI = 90


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
    told = {"registry": registry, "changes": {"epochs": 10}, "input_shape": SHAPE}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZOO_RUNS"] = folder
        wrong = zoo.train("divided", SOURCE, preset="fast", **told)
        report("divided", wrong)
        right = zoo.train("efficientnet", SOURCE, preset="fast", **told)
        report("right", right)
        draw_answers({"divided by 255 before": wrong, "as the network wants them": right})
        keep(right.plot(), "curves")

        for row in zoo.show(zoo.check(SOURCE), page=False).rows:
            print("check:", row["level"], row["found"])
        scores = zoo.evaluate(right)
        print(zoo.show(scores, page=False))
        for baseline in scores.result["baselines"]:
            print("baseline", baseline["title"], baseline["roc_auc"])
        tested = zoo.stress(right, images=8)
        print(zoo.show(tested, page=False).rows[0], tested.cause.evidence)
        keep(tested.plot(), "stress")
        elsewhere = zoo.evaluate(right, ELSEWHERE)
        print(zoo.show(elsewhere, page=False))
        print(elsewhere.result["difference"]["sentence"], elsewhere.result["refusals"])
        case = one_case(right, Path(folder))
        keep(case.plot(), "map")
        print(case.trust["gradcam"].level, case.trust["gradcam"].reason)


def report(name: str, run: Run) -> None:
    """Print what a run is worth on its test part, and its alarms."""
    print(f"== {name}")
    print(zoo.show(run, page=False))
    print(run.metrics()["test"]["confusion"])


def one_case(run: Run, folder: Path) -> zoo.Case:
    """Explain one image that the run has not seen."""
    from PIL import Image

    dataset = zoo.load_registry().dataset(ELSEWHERE)
    sample = next(sample for sample in dataset.samples if sample.label == 1)
    path = folder / "PNEUMONIA-1.png"
    Image.fromarray(dataset.read(sample, None)).save(path)
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
