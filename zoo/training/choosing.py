"""Which precision, compiler and parts of a batch a training takes: as asked for, or the fastest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from zoo.base.errors import InvalidSetting
from zoo.base.progress import Progress
from zoo.base.recipe import AUTO, BFLOAT16, FLOAT16, FLOAT32, ON, Recipe
from zoo.training import devices
from zoo.training.execution import Execution
from zoo.training.memory import free_memory, parts_that_fit, told_of_parts
from zoo.training.speed import measured

WORTH_MEASURING = 400
"""Steps of a training from which on it pays to try out several ways."""
GAIN = 1.1
"""How much faster something has to be than what is simpler."""


def choose(
    network: Any,
    recipe: Recipe,
    steps: int,
    *,
    exact: Callable[[], frozenset[int]],
    on: Sequence[str],
    recorded: Mapping[str, Any] | None,
    progress: Progress,
) -> Execution:
    """Choose how `network` is computed in `steps` steps on pixels, on the devices `on`.

    What is `recorded` of a training that is resumed is taken again; it never measures. `exact`
    gives the places of layers that stay in float32, and is asked only where others do not.

    Raises:
        InvalidSetting: XLA was asked for where it cannot be had.
    """
    if not steps:
        if len(on) > 1 or recipe.precision not in (AUTO, FLOAT32):
            progress.note(
                "Only the classifier is trained, on features that are computed once: on one device "
                "and in float32."
            )
        return Execution(devices=tuple(on[:1]))
    alone = len(on) == 1 and recipe.accumulate == 1
    if recipe.xla == ON and not alone:
        raise InvalidSetting(
            "XLA compiles a step on one device that takes its batch whole; there are "
            f"{len(on)} devices and accumulate is {recipe.accumulate}. Leave out --set xla=on."
        )
    if recorded:
        precision, xla = str(recorded["precision"]), bool(recorded["xla"]) and alone
        choice = Execution(precision, xla, devices=tuple(on))
    else:
        choice = _choose(network, recipe, steps, alone, exact, on, progress)
    if choice.precision != FLOAT32 and not choice.exact:
        choice = replace(choice, exact=exact())
    return _fitting(network, choice, recipe, progress)


def _choose(
    network: Any,
    recipe: Recipe,
    steps: int,
    alone: bool,
    exact: Callable[[], frozenset[int]],
    on: Sequence[str],
    progress: Progress,
) -> Execution:
    card = on[0].startswith("GPU")
    kinds = [recipe.precision] if recipe.precision != AUTO else [FLOAT32, *_in_16_bits(on)]
    compiled = [recipe.xla == ON] if recipe.xla != AUTO else [False, True]
    # On a processor XLA makes depthwise convolutions many times slower, and nothing much faster.
    if recipe.xla == AUTO and not (card and alone):
        compiled = [False]
    ways = [Execution(kind, xla, devices=tuple(on[:1])) for kind in kinds for xla in compiled]
    if len(ways) == 1:
        return replace(ways[0], devices=tuple(on))
    if steps < WORTH_MEASURING:
        return Execution(kinds[0], compiled[-1], devices=tuple(on))
    places = exact() if any(way.precision != FLOAT32 for way in ways) else frozenset()
    ways = [replace(way, exact=places) for way in ways]
    speeds = measured(network, recipe, ways, progress)
    if not speeds:
        return Execution(kinds[0], compiled[0], devices=tuple(on))
    best = fastest(ways, speeds)
    told = ", ".join(f"{speed:,.0f} in {name}" for name, speed in speeds.items())
    progress.note(
        f"Trains in {best.name}; images a second on this device: {told}. To have it so again: "
        f"--precision {best.precision} --set xla={'on' if best.xla else 'off'}"
    )
    return replace(best, devices=tuple(on), speeds=speeds)


def fastest(ways: Sequence[Execution], speeds: Mapping[str, float]) -> Execution:
    """Return the way to take: the first that nothing is faster than by a tenth."""
    most = max(speeds.values(), default=0.0)
    return next((way for way in ways if speeds.get(way.name, 0.0) * GAIN > most), ways[0])


def _in_16_bits(on: Sequence[str]) -> list[str]:
    """Return the 16-bit kind that the devices have units for, if there is one."""
    if all(map(devices.has_bfloat16, on)):
        return [BFLOAT16]
    return [FLOAT16] if all(map(devices.has_float16, on)) else []


def _fitting(network: Any, choice: Execution, recipe: Recipe, progress: Progress) -> Execution:
    share = -(-recipe.batch_size // len(choice.devices))
    free = min(map(free_memory, choice.devices))
    if choice.devices[0].startswith("CPU"):
        free /= len(choice.devices)  # they have one memory
    least = min(recipe.accumulate, share)
    parts = parts_that_fit(network, share, least, free)
    choice = replace(choice, accumulate=parts)
    if parts == least:
        return choice
    choice = replace(choice, xla=False)
    progress.note(told_of_parts(choice, recipe.batch_size))
    return choice
