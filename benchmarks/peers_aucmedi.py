"""AUCMEDI's way for `benchmarks/peers.py`, which runs this file in AUCMEDI's environment: JOB."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

BEGUN = time.perf_counter()
STEPS, BATCH = 20, 32
"""An epoch of so many batches is timed, and counted for all of its batches."""


def main() -> None:
    """Train a few steps, predict and explain; print one line of JSON."""
    import numpy as np
    from aucmedi import DataGenerator, ImageAugmentation, NeuralNetwork
    from aucmedi.xai import xai_decoder

    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    classes = len(job["classes"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)  # AUCMEDI takes files of one folder

        def linked(part: str, rows: list[list[str | int]]) -> tuple[list[str], np.ndarray]:
            names = []
            for place, (path, _) in enumerate(rows):
                link = f"{part}-{place}{Path(str(path)).suffix}"
                (folder / link).symlink_to(str(path))
                names.append(link)
            return names, np.eye(classes)[[int(label) for _, label in rows]]

        network = NeuralNetwork(
            n_labels=classes, channels=3, architecture="2D.EfficientNetB0", pretrained_weights=False
        )

        def stream(rows: list[list[str | int]], part: str, *, training: bool) -> DataGenerator:
            names, labels = linked(part, rows)
            changes = ImageAugmentation(
                flip=False, rotate=True, brightness=True, contrast=True, saturation=False,
                hue=False, scale=False, crop=False, grid_distortion=False, compression=False,
                gaussian_noise=False, gaussian_blur=False, downscaling=False, gamma=False,
                elastic_transform=False,
            )  # fmt: skip
            return DataGenerator(
                samples=names,
                path_imagedir=str(folder),
                labels=labels if training else None,
                batch_size=BATCH,
                data_aug=changes if training else None,
                shuffle=training,
                resize=network.meta_input,
                standardize_mode=network.meta_standardize,
                workers=os.cpu_count(),
            )

        training = stream(job["train"], "train", training=True)
        steps = len(training)
        taken = min(STEPS, steps)
        ready, epochs = time.perf_counter() - BEGUN, []
        with contextlib.redirect_stdout(sys.stderr):
            for _ in range(2):
                begun = time.perf_counter()
                network.train(training, epochs=1, iterations=taken)
                epochs.append((time.perf_counter() - begun) * steps / taken)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            rows = (job["validation"] * job["predicted"])[: job["predicted"]]
            network.predict(stream(rows[:BATCH], "first", training=False))
            begun = time.perf_counter()
            network.predict(stream(rows, "predicted", training=False))
            predicted = time.perf_counter() - begun
            for place in range(2):
                begun = time.perf_counter()
                one = stream(rows[place : place + 1], f"map{place}", training=False)
                xai_decoder(one, network, method="gradcam", out_path=None)
                heat_map = time.perf_counter() - begun
    result = {
        "versions": {name: version(name) for name in ("aucmedi", "keras", "tensorflow")},
        "ready_s": ready,
        "epoch_s": epochs,
        "images_s": len(rows) / predicted,
        "heat_map_s": heat_map,
        "training_memory_mb": memory,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
