"""Does an architecture keep what is promised: built, trained, loaded, explained, exported?"""

from __future__ import annotations

import tempfile
from pathlib import Path

from zoo.base.progress import SILENT
from zoo.base.recipe import PRESETS
from zoo.base.registry import Registry, load_registry
from zoo.base.types import Architecture
from zoo.interpret.interpreter import options_of, serves
from zoo.interpret.methods import explained
from zoo.network import conformance
from zoo.network.building import build_network
from zoo.network.cost import multiply_adds
from zoo.network.plugin_layers import Origin
from zoo.runs import model_file, run_folder
from zoo.runs.run_folder import Run
from zoo.testing.verdicts import MisfitError, Verdict, tried
from zoo.training.recipe import settings
from zoo.workflows.export import export
from zoo.workflows.train import train

SOURCE = "phantom?images=40&size={side}"
MOST = 96
"""Pixels a side that the training is tried at, or the architecture's own where these are fewer."""
TRAINED = {"epochs": 1, "frame": "whole", "augmentation": "none", "fewest_steps": 1, "cases": 8}


def check_architecture(name: str, *, registry: Registry | None = None) -> list[Verdict]:
    """Try everything that is promised of the architecture `name`; it takes about half a minute.

    Raises:
        ZooError: there is no such architecture.
    """
    registry = registry or load_registry()
    architecture = registry.architecture(name)
    verdicts = [
        tried("settings", lambda: _settings(architecture), "Name settings that zoo show lists."),
        tried("parameters", lambda: _parameters(architecture), "Say what count_params() says."),
        tried(
            "shapes",
            lambda: _shapes(architecture),
            "Build for the input_shape and num_classes that are given, also for gray pictures.",
        ),
    ]
    try:
        network = build_network(architecture)
    except Exception as error:  # a build may fail in any way
        remedy = "docs/plugins.md says what is refused, and the remedy."
        return [*verdicts, Verdict("built", False, str(error), remedy)]
    options = {key: option.default for key, option in architecture.options.items()}
    origin = Origin.of(registry, name, options, architecture.input_shape, 2)
    verdicts += conformance.tried(network, origin)
    if any(not one.fits for one in verdicts):
        return verdicts
    with tempfile.TemporaryDirectory() as folder:
        return [*verdicts, *_used(registry, architecture, Path(folder))]


def _used(registry: Registry, architecture: Architecture, folder: Path) -> list[Verdict]:
    """Train it for an epoch, and use the run."""
    runs: list[Run] = []
    side = min(MOST, *architecture.input_shape[:2])

    def trained() -> str:
        shape = (side, side, architecture.input_shape[2])
        source = SOURCE.format(side=max(side, 64))
        run = train(
            architecture.name,
            source,
            changes=TRAINED,
            input_shape=shape,
            folder=folder,
            registry=registry,
            progress=SILENT,
        )
        runs.append(run)
        return f"an epoch on the phantom at {side} pixels"

    trial = tried("trained", trained, "What the message says; the network as such is in order.")
    if not trial.fits:
        return [trial]
    (run,) = runs
    return [
        trial,
        tried("explained", lambda: _explained(registry, run), "Connect layers in one flat graph."),
        tried("exported", lambda: _exported(run, folder), "Use operations that TensorFlow knows."),
    ]


def _settings(architecture: Architecture) -> str:
    for preset in PRESETS:
        settings(architecture, {}, preset)
    unsaid = [name for name, option in architecture.options.items() if not option.help]
    if unsaid or not architecture.reference:
        lacking = f"help of {', '.join(unsaid)}" if unsaid else "reference"
        raise MisfitError(f"it has no {lacking}")
    return f"presets {', '.join(PRESETS)} and {len(architecture.options)} options"


def _parameters(architecture: Architecture) -> str:
    network = build_network(architecture)
    counted = network.count_params()
    if counted != architecture.parameters:
        raise MisfitError(f"it says {architecture.parameters:,} weights and has {counted:,}")
    cost = multiply_adds(network)
    if architecture.multiply_adds not in (0, cost):
        raise MisfitError(f"it says {architecture.multiply_adds:,} multiply-adds and has {cost:,}")
    return f"{counted:,} weights, {cost:,} multiply-adds"


def _shapes(architecture: Architecture) -> str:
    height, width, channels = architecture.input_shape
    for shape, classes in (
        ((height, width, channels), 3),
        ((height, width, 4 - channels), 2),
        ((height + 32, width + 32, channels), 2),
    ):
        build_network(architecture, classes, input_shape=shape)
    return "another size, other channels and three classes"


def _explained(registry: Registry, run: Run) -> str:
    from zoo.interpret.trust.randomisation import known_images

    classifier, cases = model_file.load_classifier(run), run_folder.load_reference(run)
    images = known_images(cases, classifier.input_shape)
    if images is None:
        raise MisfitError("the run keeps no pictures")
    methods = [e for e in registry.explainers.values() if e.default and serves(e, classifier)]
    for method in methods:
        options = options_of([method], {})[method.name]
        explained(method, classifier, images, [1] * len(images.names), cases, options)
    return ", ".join(method.name for method in methods)


def _exported(run: Run, folder: Path) -> str:
    done = export(run, "savedmodel", folder / "exported", progress=SILENT)
    return f"a SavedModel whose answers differ by {done.largest_difference:.0e}"
