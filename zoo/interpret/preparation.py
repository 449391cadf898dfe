"""What verdicts on heat maps need to know of a run, measured before anybody asks for one."""

from __future__ import annotations

from zoo.base.progress import SILENT, Progress
from zoo.base.registry import Registry
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.trust import kept
from zoo.interpret.trust.randomisation import first, known_images
from zoo.runs.run_folder import Run


def prepare_verdicts(
    run: Run, registry: Registry | None = None, progress: Progress = SILENT
) -> None:
    """Try the methods that are shown by default on shuffled networks, and keep what comes out.

    It is measured on pictures of the run's own cases. Nothing is done for a run that keeps none,
    nor for a method that was tried before; one that breaks a promise is left out.

    Raises:
        ZooError: the run cannot be used, or no method explains its network.
    """
    interpreter = Interpreter(run, registry=registry, trust=False)
    pictures = known_images(interpreter.reference, interpreter.classifier.input_shape)
    if pictures is None:
        return
    image, _ = first(pictures, [0], 1)
    targets = interpreter.targets(interpreter.answer(image))
    progress.start("trying methods", len(targets) * len(interpreter.explainers))
    try:
        said = interpreter.explanations(image, targets, progress)
    finally:
        progress.stop()
    while untried := [e for e in interpreter.untried(said) if e.name not in interpreter.faults]:
        with interpreter.leaving_out(progress):
            kept.of_run(
                run,
                untried,
                interpreter.options,
                interpreter.classifier,
                image,
                targets,
                interpreter.reference,
            )
            return
