"""What a training that was killed was begun with, as its record says, so that it can go on."""

from __future__ import annotations

from zoo.base.errors import BadInput, DamagedRun, ZooError
from zoo.base.recipe import Recipe
from zoo.base.registry import Registry
from zoo.base.types import SPLITS
from zoo.data.splits import Split
from zoo.data.verify import Verified
from zoo.runs.run_folder import Run
from zoo.training.plan import Plan


def recorded_plan(run: Run, registry: Registry) -> Plan:
    """Return the plan of an unfinished run.

    Raises:
        UnknownName: its architecture is not installed.
        DamagedRun: its settings are none that this version can train with.
    """
    record = run.record
    try:
        recipe = Recipe.from_record(record["recipe"])
    except (TypeError, ZooError) as error:
        raise DamagedRun(
            f"The settings of '{run.name}' are none that a training can go on with here ({error}). "
            "It was begun by xray-zoo "
            f"{record.get('versions', {}).get('xray-zoo', '(no version)')}: go on with that "
            "version, or train again."
        ) from error
    return Plan(
        registry.architecture(record["architecture"]),
        recipe,
        record["options"],
        tuple(record.get("sees") or record["input_shape"]),
        record["data"]["source"],
        record["class_names"][record["positive"]],
        record["data"]["skip_broken"],
        record["data"].get("masks"),
    )


def refuse_other_data(run: Run, verified: Verified) -> None:
    """Refuse to go on with an unfinished training on data that are not those it was begun with.

    Raises:
        BadInput: images came, went or changed.
    """
    kept = run.record["data"]
    if verified.fingerprint != kept["fingerprint"]:
        raise BadInput(
            f"The data of '{run.name}' ({kept['source']}) have changed since it was started. "
            "Restore them, or train again from the start."
        )


def refuse_other_division(run: Run, verified: Verified, division: Split) -> None:
    """Refuse to go on with a training whose images would be in other parts, as of older versions.

    Raises:
        BadInput: an image is in another part than when it was begun.
    """
    for part in SPLITS:
        members = {verified.digests[sample.name] for sample in division.part(part)}
        if members != set(run.record["splits"][part]["members"]):
            raise BadInput(
                f"The data of '{run.name}' are divided otherwise than when it was started: the "
                f"{part} part has other images, so it could be measured on images that it was "
                "trained on. Train again from the start."
            )
