"""How methods fare on shuffled networks: measured once for a run, and kept in its folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo.base.digests import digest_bytes
from zoo.base.errors import NotWritten
from zoo.base.explanations import Explainer, Reference
from zoo.base.files import write_json
from zoo.base.types import Images
from zoo.interpret.trust.randomisation import (
    VERSION,
    Randomisation,
    asked_gradients,
    known_images,
    randomisation_test,
)
from zoo.network.classifier import TrainedClassifier
from zoo.runs.run_folder import CASES, MODEL, Run

FOLDER = "trust"


def of_run(
    run: Run,
    explainers: Sequence[Explainer],
    options: Mapping[str, Mapping[str, Any]],
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None,
) -> dict[str, Randomisation | None]:
    """Measure methods on a run once, and keep the results in the run's folder `trust`.

    Pictures of the run's own cases are used, or `images` when it keeps none. `options` are by the
    name of the method, and so is what is returned; None for one that gives no maps, and for all
    where the weights lie in a file that cannot be shuffled.
    """
    if not classifier.differentiable:
        return dict.fromkeys(one.name for one in explainers)
    keys = {one.name: _key(run, one, options[one.name]) for one in explainers}
    results = {name: _read(_path(run, name), key) for name, key in keys.items()}
    missing = [one for one in explainers if results[one.name] is None]
    if not missing:
        return dict(results)
    cases = known_images(reference, classifier.input_shape)
    if cases is not None:
        images = cases
        images.pixels.flags.writeable = False
        if wanted := asked_gradients(missing):  # one graph then serves all that follows
            classifier.prime(images.pixels, by_pixels="pixels" in wanted)
        targets = classifier.logits(images.pixels).argmax(axis=1).tolist()
    measured = randomisation_test(missing, options, classifier, images, targets, reference)
    for name, result in measured.items():
        if result is not None:
            with contextlib.suppress(NotWritten):  # a run that may only be read: measured each time
                told = result.to_record()
                write_json(
                    _path(run, name), {**keys[name], "result": told, "digest": _digest(told)}
                )
    return {**results, **measured}


def is_known(run: Run, explainer: Explainer, options: Mapping[str, Any]) -> bool:
    """Tell whether the run's folder holds what was measured of a method."""
    return _read(_path(run, explainer.name), _key(run, explainer, options)) is not None


def _path(run: Run, method: str) -> Path:
    return run.path / FOLDER / f"{quote(method, safe='+')}.json"


def _key(run: Run, explainer: Explainer, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a kept result must have been measured of."""
    return {
        "version": VERSION,
        "method": explainer.name,
        "origin": explainer.origin,
        "options": dict(options),
        "files": {name: run.record.get("files", {}).get(name, "") for name in (MODEL, CASES)},
    }


def _digest(result: Mapping[str, Any]) -> str:
    return digest_bytes(json.dumps(result, sort_keys=True).encode())


def _read(path: Path, key: Mapping[str, Any]) -> Randomisation | None:
    try:
        kept = json.loads(path.read_text("utf-8"))
        same = all(kept[name] == value for name, value in key.items())
        if same and kept["digest"] == _digest(kept["result"]):
            return Randomisation.from_record(kept["result"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # absent, damaged or of another time: measure again
    return None
