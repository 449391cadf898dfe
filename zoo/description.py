"""What a run's record says of its training: settings, data, division, versions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from zoo.environment import versions
from zoo.session import Session


def describe(session: Session) -> dict[str, Any]:
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
        "input_shape": list(plan.input_shape),
        "parameters": session.parameters,
        "data": {
            "source": plan.source,
            "fingerprint": session.verified.fingerprint,
            "images": len(dataset.samples),
            "patients": len({s.patient for s in dataset.samples}),
            "patient_rule": dataset.patient_rule,
            "subject": dataset.subject,
            "synthetic": dataset.synthetic,
            "skip_broken": plan.skip_broken,
            "masks": plan.masks,
            "broken": len(session.verified.broken),
            "notes": [*dataset.notes, *session.split.notes],
        },
        "splits": {
            part: {
                "images": len(samples),
                "patients": len({s.patient for s in samples}),
                "classes": np.bincount(
                    session.labels[part], minlength=len(dataset.class_names)
                ).tolist(),
                "members": session.digests(samples),
            }
            for part, samples in session.parts.items()
        },
        "versions": versions(),
    }
