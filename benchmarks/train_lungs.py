"""Train the localiser of lungs that comes with the package, and measure it.

    python benchmarks/train_lungs.py IMAGES MASKS [--index FILE] [--out zoo/network/lungs.npz]

IMAGES is a data set of radiographs, such as the folder `train` of the Kaggle set *Chest X-Ray
Images (Pneumonia)*; MASKS a folder of lung masks, named as the images. `--index` is a CSV file with
the columns `file` and `mask_image_corr`: masks that do not fit their image, below `--fits`, are
left out. Synthetic radiographs with exact masks are added. A share of the patients is held out.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

ATTRIBUTION = (
    "Trained on lung masks by V7 Labs (COVID-19 X-ray dataset, "
    "https://github.com/v7labs/covid-19-xray-dataset, CC BY 4.0) of the chest X-rays of Kermany, "
    "Zhang and Goldbaum (Large Dataset of Labeled Optical Coherence Tomography (OCT) and Chest "
    "X-Ray Images, 2018, CC BY 4.0), and on synthetic radiographs."
)
TRAINED_ON, MEASURED_ON = 7, 8
"""Seeds of the synthetic radiographs."""


def badly_fitting(index: Path, least: float) -> set[str]:
    """Return the stems of images whose mask does not fit them."""
    with index.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["mask_image_corr"]]
    return {
        PurePosixPath(row["file"]).stem for row in rows if float(row["mask_image_corr"]) < least
    }


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", help="a data set, such as a folder of classes")
    parser.add_argument("masks", type=Path)
    parser.add_argument("--index", type=Path, help="a table of how well masks fit")
    parser.add_argument("--fits", type=float, default=0.5)
    parser.add_argument("--phantoms", type=int, default=800)
    parser.add_argument("--held", type=float, default=0.15, help="share of the patients held out")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("zoo/network/lungs.npz"))
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    from zoo.base.registry import load_registry
    from zoo.cli.console import Console
    from zoo.data import masks
    from zoo.network import localiser
    from zoo.network.boxes import DESCRIPTION
    from zoo.network.localiser import SIDE
    from zoo.training.localiser import gather, measure, train

    progress = Console()
    dataset = load_registry().dataset(arguments.images)
    samples, chosen = divided(dataset, arguments)
    known = masks.find_masks(arguments.masks, samples)
    held = gather(dataset, [s for s in samples if s.patient in chosen], known, progress)
    seen = gather(dataset, [s for s in samples if s.patient not in chosen], known, progress)
    if arguments.phantoms:
        seen += phantoms(arguments.phantoms, TRAINED_ON)
    found = train(
        seen,
        held,
        steps=arguments.steps,
        seed=arguments.seed,
        attribution=ATTRIBUTION,
        progress=progress,
    )
    localiser.save(arguments.out, found)
    found = localiser.load(arguments.out)  # in 16 bits, as it will be used
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1000:.0f} kB")
    for name, low, high in zip(DESCRIPTION, *found.limits.T, strict=True):
        print(f"  {name:10s} plausible from {low:.3f} to {high:.3f}")
    model = found.network((SIDE, SIDE, 1))
    print("part, masks, Dice, 5 %, box overlap, 5 %")
    for name, part in (("held-out patients", held), ("phantoms", phantoms(200, MEASURED_ON))):
        figures = [(v.mean(), np.percentile(v, 5)) for v in measure(model, part)]
        print(f"{name}, {len(part)}, " + ", ".join(f"{a:.3f}, {b:.3f}" for a, b in figures))


def divided(dataset: Any, arguments: argparse.Namespace) -> tuple[list[Any], set[str]]:
    """Return the samples whose masks fit, and the patients that are held out.

    `arguments` are those of a script: index, fits, held and seed.
    """
    left_out = badly_fitting(arguments.index, arguments.fits) if arguments.index else set()
    samples = [s for s in dataset.samples if PurePosixPath(s.name).stem not in left_out]
    patients = np.unique([sample.patient for sample in samples])
    count = round(arguments.held * len(patients))
    return samples, set(np.random.default_rng(arguments.seed).permutation(patients)[:count])


def phantoms(count: int, seed: int) -> Any:
    """Draw synthetic radiographs and their lungs."""
    from plugins.readers.phantom.cohort import Cohort
    from zoo.training.localiser import pairs

    cohort = Cohort(seed, 160, 0.5, 0.5, 1.0)
    drawn = cohort.samples(count)
    return pairs(
        [cohort.read(sample, None) for sample in drawn],
        [cohort.lungs(sample, None) for sample in drawn],
    )


if __name__ == "__main__":
    main()
