"""Draw the gallery of docs/explainers.md and write its tables: `python docs/gallery.py [RUN …]`.

RUN is a finished run that was trained on the phantom. A method that the first one does not serve,
such as one for transformers, is shown on the next. All methods are also shown on networks that are
built by hand and whose right answer is known (`known_answer.py`). Seconds are those of the
processors, and verdicts take the time that they need: other work on the machine changes neither.
What is measured is kept in `--keep`, so that a gallery that was stopped goes on.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from known_answer import CLASSES, CORNER, Corner, convolutional, passes, transformer

import zoo
from zoo import Attribution, Explainer, Images, Registry, Run
from zoo.interpret.choice import serves
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.trust.localisation import localise
from zoo.interpret.trust.randomisation import CHEAPER
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP
from zoo.report.cases.overlays import enlarge, overlay
from zoo.report.style import FONT, GREEN, INK, MUTED, ORANGE, VERMILION, new_figure

FIGURES = Path(__file__).with_name("images")
PAGE = Path(__file__).with_name("explainers.md")
TRAINED = """\
![A drawing with an opacity, and the map of each method over it](images/gallery-trained.jpg)

The network of the command above, which sees the part around the lungs; the outline is the opacity
that it was to find. `attention-rollout` needs a transformer: it is shown on another network.
"""
COLUMNS, DPI, QUALITY = 5, 90, 88
CELL, CAPTION, GAP, LINE, HEADING, FOOT = 1.95, 0.5, 0.05, 0.145, 0.36, 0.26
"""Inches: a cell, its three lines, around the picture, a line, the title, the last line."""
OUTLINE = "#8cdcff"
COLOURS = {HOLDS_UP: GREEN, DO_NOT_USE: VERMILION}
PHANTOM = "phantom?seed=1&images=40"
HEADS = ("method", "forward", "back", "a map", "its verdict", "cost follows from")


@dataclass(frozen=True, eq=False)
class Shown:
    """One method on one image: its map, `(height, width)`, what it cost, and the verdict on it."""

    method: str
    values: np.ndarray
    signed: bool
    seconds: float
    judging: float
    level: str
    reason: str
    inside: float
    """Share of what speaks for the class that lies in the known place."""
    pointing: bool

    def write(self, path: Path) -> None:
        """Keep it as a file."""
        told = {**asdict(self), "values": None}
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, values=self.values, told=json.dumps(told))

    @classmethod
    def read(cls, path: Path) -> Shown:
        """Read what was kept."""
        with np.load(path, allow_pickle=False) as kept:
            return cls(**{**json.loads(str(kept["told"])), "values": kept["values"]})


@dataclass(frozen=True, eq=False)
class Subject:
    """An image with a known place on a run: `pixels` is `(1, height, width, channels)` uint8."""

    maker: Interpreter
    pixels: np.ndarray
    place: np.ndarray

    def shown(self, explainers: Iterable[Explainer], folder: Path) -> list[Shown]:
        """Measure those of the methods that serve the run and draw maps."""
        serving = {one.name for one in explainers if serves(one, self.maker.classifier)}
        found = []
        for explainer in explainers:
            path = folder / f"{explainer.name}.npz"
            if explainer.name in serving and not path.is_file():
                one = self._measured(explainer)
                if one is None:
                    continue
                one.write(path)
            if path.is_file():
                found.append(Shown.read(path))
        return found

    def _measured(self, explainer: Explainer) -> Shown | None:
        """Make a map and its verdict twice, the second time by the clock."""
        maker, run = self.maker, self.maker.run
        target = run.class_names[run.record["positive"]]
        maker.ask([explainer.name])
        maker.budget = 0  # shuffled networks are tried once a run, whatever the budget
        (case,) = maker.cases(self._images(), target)
        if not case.attributions:
            return None
        maker.budget, chosen = math.inf, [case.attributions[0].target]
        options = maker.options[explainer.name]
        _, seconds = timed(
            lambda: explainer.explain(
                maker.classifier, self._images(), chosen, maker.reference, **options
            )
        )
        (case,), both = timed(lambda: maker.cases(self._images(), target))
        told, drawn = case.trust[explainer.name], case.attributions[0]
        place = localise(drawn.values, self.place)
        return Shown(
            method=explainer.name,
            values=drawn.values,
            signed=drawn.signed,
            seconds=seconds,
            judging=max(both - seconds, 0.0),
            level=told.level,
            reason=told.reason,
            inside=0.0 if place is None else place.inside,
            pointing=place is not None and place.pointing,
        )

    def _images(self) -> Images:
        """Give a copy, of which nothing was computed before."""
        return Images(self.pixels.copy(), ("phantom",), (None,), ("0" * 16,))


Pair = tuple[Subject, Shown]


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call gives, and its seconds of the processors."""
    begun = time.process_time()
    given = call()
    return given, time.process_time() - begun


def recognised(run: Run, registry: Registry, source: str) -> Subject:
    """Take the first drawing of the positive class that the run calls so."""
    maker = Interpreter(run, every=True, registry=registry)
    data, size = registry.dataset(source), maker.classifier.input_shape[:2]
    positive = run.record["positive"]
    for sample in data.samples:
        pixels = data.read(sample, size)[None]
        called = maker.classifier.logits(pixels).argmax() == positive
        if data.mask is not None and sample.label == positive and called:
            return Subject(maker, pixels, data.mask(sample, size))
    raise SystemExit(f"{run.name} recognises no finding of {source}.")


def by_hand(name: str, model: Any, folder: Path, registry: Registry) -> Run:
    """Make a run of a network that was built by hand, unless there is one in the folder."""
    runs = folder / "runs" / name
    for found in sorted(runs.glob("*/run.json")):
        return zoo.open_run(found.parent)
    runs.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.keras"
    model.save(path)
    told: dict[str, Any] = {"classes": CLASSES, "input_range": "0-255", "unseen": True}
    return zoo.import_network(path, CORNER, registry=registry, folder=runs, **told)


def served(
    subjects: Sequence[Subject], explainers: Sequence[Explainer], folder: Path
) -> dict[str, Pair]:
    """Show each method on the first subject that it serves, in the order of the methods."""
    found: dict[str, Pair] = {}
    for subject in subjects:
        left = [one for one in explainers if one.name not in found]
        for one in subject.shown(left, folder / subject.maker.run.name):
            found[one.method] = (subject, one)
    return {one.name: found[one.name] for one in explainers if one.name in found}


def draw(shown: Mapping[str, Pair], title: str, outlined: str, path: Path) -> None:
    """Draw the image and all maps over it, each with its verdict, as one JPEG file."""
    cells: list[tuple[Subject, np.ndarray, list[tuple[str, str]]]] = []
    for subject, one in shown.values():
        if not cells:
            lines = [("the image", INK), (outlined, MUTED)]
            cells.append((subject, enlarge(subject.pixels[0]), lines))
        drawn = Attribution(one.method, 0, one.values, signed=one.signed)
        inside = f"{100 * one.inside:.0f} % inside"
        lines = [(one.method, INK), (one.level, COLOURS.get(one.level, ORANGE)), (inside, MUTED)]
        cells.append((subject, overlay(subject.pixels[0], drawn), lines))
    rows = -(-len(cells) // COLUMNS)
    width, height = COLUMNS * CELL, HEADING + rows * (CELL + CAPTION) + FOOT
    figure = new_figure(height, width)
    figure.set_layout_engine("none")
    text = functools.partial(figure.text, family=FONT, va="top")
    text(0.006, 1 - 0.12 / height, title, fontsize=12, color=INK)
    text(0.006, 0.24 / height, zoo.DISCLAIMER, fontsize=8, color=MUTED)
    for number, (subject, picture, lines) in enumerate(cells):
        row, column = divmod(number, COLUMNS)
        left, bottom = column * CELL + GAP, height - HEADING - row * (CELL + CAPTION) - CELL + GAP
        side = CELL - 2 * GAP
        axes = figure.add_axes(
            (left / width, bottom / height, side / width, side / height), frameon=False
        )
        axes.set_axis_off()
        axes.imshow(picture)
        axes.contour(
            enlarge(255 * subject.place[..., None].astype(np.uint8))[..., 0],
            [128],
            colors=[OUTLINE],
            linewidths=0.9,
        )
        for line, (words, colour) in enumerate(lines):
            down = (bottom - 0.04 - LINE * line) / height
            bold = "normal" if line else "bold"
            text(left / width, down, words, fontsize=8.5, color=colour, weight=bold)
    figure.savefig(path, dpi=DPI, pil_kwargs={"quality": QUALITY})


def costs(shown: Mapping[str, Pair], explainers: Iterable[Explainer]) -> str:
    """Return a line a method: passes there and back, and seconds."""
    rows = [HEADS, ("---",) * len(HEADS)]
    for explainer in sorted(
        (e for e in explainers if e.name in shown), key=lambda e: shown[e.name][1].seconds
    ):
        _, one = shown[explainer.name]
        steered = [name for name in explainer.options if name in CHEAPER]
        there, back = passes(explainer)
        rows.append(
            (
                f"`{one.method}`",
                "by its budget" if "budget" in steered else str(there),
                str(back or ""),
                f"{one.seconds:.2f} s",
                f"{one.judging:.1f} s",
                ", ".join(f"`{name}`" for name in steered),
            )
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def told(trained: Mapping[str, Pair], known: Mapping[str, Pair]) -> str:
    """Return a line a method: its verdicts, and how much of its evidence lies in the place."""
    columns = {"trained network": trained, "known answer": known}
    if not trained:
        del columns["trained network"]
    rows = [("method", *columns), ("---",) * (1 + len(columns))]
    for method in sorted({*trained, *known}):
        pairs = (shown.get(method) for shown in columns.values())
        cells = ("" if pair is None else f"{pair[1].level}, {pair[1].inside:.2f}" for pair in pairs)
        rows.append((f"`{method}`", *cells))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def fill(name: str, text: str) -> None:
    """Write what was measured between the marks of that name on the page."""
    before, mark, rest = PAGE.read_text("utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- end of {name} -->")
    if not end:
        raise SystemExit(f"{PAGE} has no marks of '{name}'.")
    PAGE.write_text(f"{before}{mark}{text}\n{end}{after}", "utf-8")


def main() -> None:
    """Measure, draw, and write what was measured."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("runs", type=Path, nargs="*", metavar="RUN")
    options.add_argument("--keep", type=Path, default=Path("build/gallery"))
    asked = options.parse_args()
    registry = zoo.load_registry(Corner())
    explainers = list(registry.explainers.values())
    on_runs = [recognised(zoo.open_run(path), registry, PHANTOM) for path in asked.runs]
    built = {one.__name__: one() for one in (convolutional, transformer)}
    on_built = [
        recognised(by_hand(name, model, asked.keep, registry), registry, f"{CORNER}?seed=5")
        for name, model in built.items()
    ]
    trained = served(on_runs, explainers, asked.keep / "trained")
    known = served(on_built, explainers, asked.keep / "known")
    draw(known, "A known answer", "outlined: what it looks at", FIGURES / "gallery-known.jpg")
    if trained:
        draw(trained, "A trained network", "outlined: the finding", FIGURES / "gallery-trained.jpg")
        fill("trained", TRAINED)
        fill("costs", costs(trained, explainers))
    fill("gallery", told(trained, known))
    for kind, shown in (("trained", trained), ("known", known)):
        for _, one in shown.values():
            print(f"{kind}, {one.method}: {one.level}. {one.reason}")


if __name__ == "__main__":
    main()
