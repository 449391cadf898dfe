"""Compare backbones of eight papers by the real command, and write that into docs/backbones.md.

`python docs/backbones.py` takes some minutes on two cores. Weights are random, so that nothing is
downloaded: what is shown is how the command is used and what it costs, not which backbone is best.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generated import table

from zoo.base.number_text import value_text

PAGE = Path(__file__).with_name("backbones.md")
FIGURE = Path(__file__).with_name("images") / "backbones.png"
BEGIN, END = "<!-- written by docs/backbones.py -->\n", "<!-- until here -->\n"
NAMES = tuple(
    f"keras:{name}"
    for name in (
        "MobileNet", "MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "EfficientNetV2B0",
        "VGG16", "ResNet50", "DenseNet121",
    )
)  # fmt: skip
OPTIONS = (
    "--data", "phantom?images=160&size=64", "--input", "64", "--folds", "2", "--preset", "fast",
    "--epochs", "10", "--set", "weights=none", "--set", "frame=whole", "--set", "augmentation=none",
    "--set", "views=1",
)  # fmt: skip
COMMAND = ("compare", *NAMES, *OPTIONS)


def result(*more: str) -> dict[str, Any]:
    """Run the command, and return what it found."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "zoo", *COMMAND, "--runs", folder, "--json", *more]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return dict(json.loads(done.stdout))


def shown() -> str:
    """Return the command as a person types it, some words a line."""
    values = iter(map(shlex.quote, OPTIONS))
    lines, line = [], "zoo compare"
    for word in (*NAMES, *(f"{option} {next(values)}" for option in values)):
        if len(line) + len(word) > 90:
            lines.append(line)
            line = "   "
        line += f" {word}"
    return "```sh\n" + " \\\n".join([*lines, line]) + "\n```\n"


def rows(found: Mapping[str, Any]) -> str:
    """Return the table of a comparison."""
    return table(
        ("backbone", "ROC-AUC", "spread over the folds", "weights", "training, both folds"),
        [
            (
                f"`{one['name']}`",
                value_text(one["roc_auc"]),
                f"{one['spread']:.2f}",
                f"{one['parameters']['total']:,}",
                f"{one['seconds']:.0f} s",
            )
            for one in found["entries"]
        ],
    )


def main() -> None:
    """Write the table and the figure."""
    from zoo.report.figures.comparison import model_forest

    found = result()
    if drawing := model_forest(found):
        FIGURE.write_bytes(drawing.png())
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    figure = f"![ROC-AUC of each backbone with its interval](images/{FIGURE.name})\n"
    block = "\n".join((shown(), rows(found), figure))
    PAGE.write_text(before + BEGIN + block + END + after, "utf-8")


if __name__ == "__main__":
    main()
