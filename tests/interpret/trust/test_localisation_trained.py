"""Where Grad-CAM of a trained network points, on drawings whose findings have a known place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explain import gradcam
from plugins.readers.phantom import zoo_read_dataset
from zoo import Images
from zoo.interpret.trust.controls import controls
from zoo.interpret.trust.localisation import localise
from zoo.runs import model_file
from zoo.workflows import train


def pointing(maps: np.ndarray, masks: np.ndarray) -> tuple[float, float, float]:
    """Play the pointing game as its authors do, within half of that, and strictly.

    An empty map hits nothing.
    """
    found = [localise(map_, mask) for map_, mask in zip(maps, masks, strict=True)]
    hits = [one is not None and (one.near, one.close, one.pointing) for one in found]
    near, close, inside = np.mean([hit or (False, False, False) for hit in hits], axis=0)
    return float(near), float(close), float(inside)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "side", "changes"),
    [("efficientnet", 160, {"fewest_steps": 40}), ("scratch", 112, {})],
)
def test_gradcam_points_at_the_opacity_and_controls_do_not(
    name: str, side: int, changes: dict[str, int], tmp_path: Path
) -> None:
    options = {"images": "80", "seed": "1", "size": str(side)}
    run = train.train(
        name,
        f"phantom?images=300&size={side}",
        folder=tmp_path,
        changes=changes,
        input_shape=(side, side, 3),
    )
    classifier, unseen = model_file.load_classifier(run), zoo_read_dataset("phantom", options)
    size = classifier.input_shape[:2]
    assert unseen is not None
    assert unseen.mask is not None
    diseased = [sample for sample in unseen.samples if sample.label == 1]
    pixels = np.stack([unseen.read(sample, size) for sample in diseased])
    right = np.flatnonzero(classifier.logits(pixels).argmax(axis=1) == 1)
    assert len(right) >= 25
    pixels, samples = pixels[right], [diseased[i] for i in right]
    masks = np.stack([unseen.mask(sample, size) for sample in samples])
    names = tuple(sample.name for sample in samples)
    images = Images(pixels, names, (None,) * len(names), names)
    maps = [one.values for one in gradcam.explain(classifier, images, [1] * len(names))]
    near, close, strictly = pointing(np.stack(maps), masks)
    assert near >= 0.9
    assert close >= 0.75
    assert strictly >= 0.4
    assert max(pointing(drawn, masks)[2] for drawn in controls(pixels).values()) < 0.2
