"""A plugin-based model zoo for medical images with an explainability toolkit.

The functions behind the commands, loaded when first used:

    load_registry()                    what the installed plugins give
    check(source, ...)                 what is wrong with a data set
    train(name, source, ...)           a finished run
    resume(run)                        go on with a training that was killed
    open_run(name)                     a finished run, checked; without a name the newest
    evaluate(run, source, ...)         scores with intervals
    diagnose(run)                      what holds a run back
    predict(paths, run)                a prediction for each image
    explain(paths, run, methods=...)   a case for each image, each map with a verdict
    audit(run, source, ...)            its methods ranked by measuring them
    overview(run, source, ...)         what it rests on over a data set
    export(run, kind)                  a file for other programs, checked against the run
    compare(names, source, ...)        architectures on the same folds
    compare_runs(runs, source, ...)    finished runs on the same images
    learning_curve(name, source, ...)  whether more patients would help

For research and teaching only. Not a medical device.
"""

from __future__ import annotations

import importlib
from typing import Any

from zoo.hookspecs import hookimpl
from zoo.notice import DISCLAIMER

__version__ = "0.1.0"

_PUBLIC = {
    "load_registry": ("zoo.registry", "load"),
    "check": ("zoo.checking", "check"),
    "train": ("zoo.training", "train"),
    "resume": ("zoo.training", "resume"),
    "open_run": ("zoo.runs", "open_finished"),
    "evaluate": ("zoo.evaluation", "evaluate"),
    "diagnose": ("zoo.diagnosis", "diagnose"),
    "predict": ("zoo.prediction", "predict"),
    "explain": ("zoo.explaining", "explain"),
    "audit": ("zoo.auditing", "audit"),
    "overview": ("zoo.views.overview", "overview"),
    "export": ("zoo.exporting", "export"),
    "compare": ("zoo.comparison", "compare"),
    "compare_runs": ("zoo.run_comparison", "compare_runs"),
    "learning_curve": ("zoo.learning_curves", "learning_curve"),
}
__all__ = ["DISCLAIMER", "__version__", "hookimpl", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import a public function when it is first asked for: TensorFlow takes seconds to load."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'zoo' has no attribute '{name}'")
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(module), attribute)
