"""Ways of plain Keras for `benchmarks/peers.py`, which runs this file: JOB WAY EPOCHS."""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

BEGUN = time.perf_counter()
BATCH = 32


def stream(rows: list[list[Any]], side: int, augment: Any = None, *, keep: bool = False) -> Any:
    """Decode and resize files in order, `keep` them after the first pass, augment in batches."""
    import tensorflow as tf

    def read(path: Any, label: Any) -> Any:
        pixels = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        return tf.image.resize(pixels, (side, side)), label

    paths, labels = zip(*rows, strict=True)
    files = tf.data.Dataset.from_tensor_slices((list(paths), list(labels)))
    read_files = files.map(read, tf.data.AUTOTUNE)
    if keep:
        read_files = read_files.cache()
    if augment is None:
        return read_files.batch(BATCH).prefetch(tf.data.AUTOTUNE)
    shuffled = read_files.shuffle(1024 if not keep else len(rows), seed=0).batch(BATCH)
    return shuffled.map(lambda x, y: (augment(x), y), tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def frozen_backbone(classes: int) -> tuple[Any, Any, str]:
    """Return a model on a frozen EfficientNet-Lite0, what augments, and its last feature map."""
    import keras
    from keras import layers

    from plugins.architectures.efficientnet import lite

    pixels = keras.Input((224, 224, 3))
    backbone = keras.Model(pixels, lite.backbone(pixels, pixels, "lite0", "")["last"])
    backbone.trainable = False
    x = layers.GlobalAveragePooling2D()(backbone(pixels, training=False))
    model = keras.Model(pixels, layers.Dense(classes)(layers.Dropout(0.3)(x)))
    augment = keras.Sequential(
        [
            layers.RandomRotation(0.03),
            layers.RandomZoom(0.1),
            layers.RandomTranslation(0.05, 0.05),
            layers.RandomContrast(0.1),
        ]
    )
    return model, lambda x: augment(x, training=True), backbone.name


def separable(classes: int) -> tuple[Any, Any, str]:
    """Return the network of keras.io's example, which augments nothing, and its last feature map.

    Source: Amy MiHyun Jang, *Pneumonia Classification on TPU*, 2020.
    """
    import keras
    from keras import layers

    def block(x: Any, filters: int, dropout: float = 0.0) -> Any:
        for _ in range(2):
            x = layers.SeparableConv2D(filters, 3, activation="relu", padding="same")(x)
        x = layers.MaxPooling2D()(layers.BatchNormalization()(x))
        return layers.Dropout(dropout)(x) if dropout else x

    pixels = keras.Input((180, 180, 3))
    x = layers.Rescaling(1 / 255)(pixels)
    for _ in range(2):
        x = layers.Conv2D(16, 3, activation="relu", padding="same")(x)
    x = layers.MaxPooling2D()(x)
    for filters, dropout in ((32, 0.0), (64, 0.0), (128, 0.2), (256, 0.2)):
        x = block(x, filters, dropout)
    last = x
    x = layers.Flatten()(x)
    for units, dropout in ((512, 0.7), (128, 0.5), (64, 0.3)):
        x = layers.BatchNormalization()(layers.Dense(units, activation="relu")(x))
        x = layers.Dropout(dropout)(x)
    model = keras.Model(pixels, layers.Dense(classes)(x))
    return model, lambda x: x, last._keras_history.operation.name


def heat_map_seconds(model: Any, layer: str, pixels: Any) -> float:
    """Measure Grad-CAM as keras.io writes it, gradient model made once, after a first image."""
    import keras
    import tensorflow as tf

    inner = model.get_layer(layer)
    graded = keras.Model(model.input, [_output_in(model, inner), model.output])
    taken = []
    for image in (pixels[:1], pixels[1:2]):
        begun = time.perf_counter()
        with tf.GradientTape() as tape:
            features, logits = graded(image)
            best = logits[:, int(tf.argmax(logits[0]))]
        weights = tf.reduce_mean(tape.gradient(best, features), axis=(1, 2), keepdims=True)
        heat = tf.nn.relu(tf.reduce_sum(weights * features, axis=-1))
        tf.image.resize(heat[..., None], image.shape[1:3]).numpy()
        taken.append(time.perf_counter() - begun)
    return taken[-1]


def _output_in(model: Any, layer: Any) -> Any:
    """Return the layer's output as a tensor of the model that it is used in."""
    nodes = {id(node) for level in model._nodes_by_depth.values() for node in level}
    return next(node.outputs[0] for node in layer._inbound_nodes if id(node) in nodes)


def main() -> None:
    """Train, predict and explain; print one line of JSON."""
    import keras
    import numpy as np
    from sklearn.metrics import roc_auc_score

    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    way, epochs = sys.argv[2], int(sys.argv[3])
    keras.utils.set_random_seed(0)
    make = {"keras": frozen_backbone, "example": separable}[way]
    model, augment, layer = make(len(job["classes"]))
    side = model.input_shape[1]
    labels = np.array([label for _, label in job["train"]])
    counts = np.bincount(labels)
    weights = {i: len(labels) / (len(counts) * n) for i, n in enumerate(counts)}
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    training = stream(job["train"], side, augment, keep=way == "example")
    validation = stream(job["validation"], side, keep=way == "example")
    ready, epoch_seconds = time.perf_counter() - BEGUN, []
    for _ in range(epochs):
        begun = time.perf_counter()
        model.fit(training, validation_data=validation, class_weight=weights, verbose=0)
        epoch_seconds.append(time.perf_counter() - begun)
    logits = model.predict(validation, verbose=0)
    margin = logits[:, -1] - logits[:, 0]
    truth = np.array([label for _, label in job["validation"]])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows = (job["validation"] * job["predicted"])[: job["predicted"]]
    begun = time.perf_counter()
    model.predict(stream(rows, side), verbose=0)
    predicted = time.perf_counter() - begun
    pixels = next(iter(stream(rows[:2], side)))[0]
    result = {
        "versions": {name: version(name) for name in ("keras", "tensorflow")},
        "ready_s": ready,
        "epoch_s": epoch_seconds,
        "validation_roc_auc": float(roc_auc_score(truth == truth.max(), margin)),
        "images_s": len(rows) / predicted,
        "heat_map_s": heat_map_seconds(model, layer, pixels),
        "training_memory_mb": memory,
    }
    if epochs == job["epochs"]:
        result["training_s"] = ready + sum(epoch_seconds)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
