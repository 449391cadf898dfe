"""A plugin-based model zoo for medical images with an explainability toolkit.

The functions behind the commands:

    load_registry()                    what the installed plugins give
    fetch_data(name, ...)              a public data set, by name
    sample(folder, source, count=...)  a few of its images as PNG files
    check(source, ...)                 what is wrong with a data set
    train(name, source, ...)           a finished run
    resume(run)                        go on with a training that was killed
    open_run(name)                     a finished run, checked; without a name the newest
    import_network(path, source, ...)  a run of a network that was trained elsewhere
    ensemble(runs)                     finished runs joined to one that answers with their mean
    evaluate(run, source, ...)         scores with intervals
    stress(run, source, ...)           scores on images as they are and changed
    diagnose(run)                      what holds a run back
    predict(paths, run)                a prediction for each image
    watch(folder, run)                 a prediction for each image that comes into a folder
    explain(paths, run, methods=...)   a case for each image, each map with a verdict
    audit(run, source, ...)            its methods ranked by measuring them
    overview(run, source, ...)         what it rests on over a data set
    export(run, kind)                  a file for other programs, checked against the run
    compare(names, source, ...)        architectures on the same folds
    compare_runs(runs, source, ...)    finished runs on the same images
    tune(name, source, ...)            good settings, and what they are worth
    learning_curve(name, source, ...)  whether more patients would help
    note_run(name, text)               a sentence kept with a run
    rename_run(name, new)              another name for a run
    remove_run(name)                   a run into the trash, where it stays for a week
    restore_run(name)                  and back
    track_run(name)                    a finished run told to MLflow
    fetch_run("mlflow:RUN_ID")         and brought back from there
    show(things)                       a page or a table below the cell of a notebook
    new_plugin(name, kind)             a package to begin with
    doctor()                           whether all that is needed is here and works

Those that take long show how far they are, in a notebook or on a terminal; `progress=zoo.SILENT`
silences them. Their docstrings have examples, which are run as tests: there `run` and `other` are
finished runs, `killed` is one that was stopped, and `pictures` a folder that `sample` wrote.

Beside them stand the vocabulary of plugins (`Architecture`, `Dataset`, `Explainer`, `hookimpl`, …)
and the errors that a user can mend. `__init__.pyi` lists every public name; each is loaded when it
is first used, since TensorFlow takes seconds. Everything else below `zoo` is private.

For research and teaching only. Not a medical device.
"""

import sys

import lazy_loader

DISCLAIMER = "For research and teaching only. Not a medical device."
"""The sentence that stands wherever a prediction is shown."""

__version__ = "0.1.0"

_load, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = ["DISCLAIMER", "__version__", *_names]


def __getattr__(name: str) -> object:
    """Load a public name; a notebook, which shows all that is written, is spared TensorFlow's."""
    if "ipykernel" not in sys.modules:
        return _load(name)
    from zoo.base.quiet_import import quiet_import, quietly

    with quietly():
        found = _load(name)
    if getattr(found, "__module__", "").startswith("zoo.workflows"):  # it may import it later
        with quiet_import():
            pass
    return found
