"""What a run's record says of a training, its data and the parts that they were divided into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from zoo.base.environment import versions
from zoo.base.types import Sample
from zoo.data.verify import Verified, labels_of
from zoo.training.session import Session


def data(
    verified: Verified,
    source: str,
    notes: Sequence[str],
    *,
    skip_broken: bool,
    masks: str | None = None,
) -> dict[str, Any]:
    """Describe the images; `notes` are those of their division."""
    dataset = verified.dataset
    return {
        "source": source,
        "fingerprint": verified.fingerprint,
        "images": len(dataset.samples),
        "patients": len({s.patient for s in dataset.samples}),
        "patient_rule": dataset.patient_rule,
        "subject": dataset.subject,
        "synthetic": dataset.synthetic,
        "skip_broken": skip_broken,
        "masks": masks,
        "broken": len(verified.broken),
        "bits": dataset.bits,
        "notes": [*dataset.notes, *notes],
    }


def splits(verified: Verified, parts: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
    """Describe the parts: their images are known by content."""
    classes = len(verified.dataset.class_names)
    return {
        part: {
            "images": len(samples),
            "patients": len({s.patient for s in samples}),
            "classes": np.bincount(labels_of(samples), minlength=classes).tolist(),
            "members": [verified.digests[s.name] for s in samples],
        }
        for part, samples in parts.items()
    }


def training(session: Session) -> dict[str, Any]:
    """Return what is known of a training before it begins."""
    dataset, plan = session.verified.dataset, session.plan
    return {
        "architecture": plan.architecture.name,
        "pretrained": plan.architecture.pretrained,
        "options": dict(plan.options),
        "recipe": asdict(plan.recipe),
        "seed": plan.recipe.seed,
        "class_names": list(dataset.class_names),
        "positive": session.positive,
        "input_shape": list(session.input_shape),
        "sees": list(plan.input_shape),
        "frame": session.framing.name,
        "parameters": session.parameters,
        "execution": session.execution.to_record(),
        "data": data(
            session.verified,
            plan.source,
            session.split.notes,
            skip_broken=plan.skip_broken,
            masks=plan.masks,
        ),
        "splits": splits(session.verified, session.parts),
        "versions": versions(),
    }
