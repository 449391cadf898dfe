"""What is answered, in the form that it is sent in: explained images and runs."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from starlette.responses import Response

from zoo import DISCLAIMER
from zoo.base.errors import DamagedRun
from zoo.interpret.case import Case
from zoo.report.cases.page import case_page
from zoo.report.cases.panel import panel
from zoo.report.cases.record import case_record
from zoo.report.facts import facts
from zoo.runs.run_folder import Run
from zoo.web.service.limits import NotFinite
from zoo.web.service.schemas import PRIVATE, Format, RunOut
from zoo.web.service.security import PAGE_POLICY


def cases_response(cases: Sequence[Case], run: Run, form: Format) -> Response:
    """Return explained images in the form asked for.

    Raises:
        NotFinite: JSON was asked for, and a method gave numbers that are not finite.
    """
    if form is Format.HTML:
        page = case_page(cases, information=facts(run))
        headers = {**PRIVATE, "Content-Security-Policy": PAGE_POLICY}
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)
    if form is Format.PNG:
        return Response(panel(cases[0]), media_type="image/png", headers=PRIVATE)
    told = {
        "disclaimer": DISCLAIMER,
        "run": run.name,
        "cases": [_record(case) for case in cases],
    }
    try:
        content = json.dumps(told, allow_nan=False, ensure_ascii=False)
    except ValueError as error:
        raise NotFinite(
            "What is measured of an image or a map is not finite. Name other methods."
        ) from error
    return Response(content, media_type="application/json", headers=PRIVATE)


def run_response(run: Run, default: bool, loaded: bool) -> RunOut:
    """Return what is told of a run."""
    try:
        score = run.metrics()["test"]["metrics"]["roc_auc"]["value"]
    except (DamagedRun, KeyError, TypeError):
        score = None
    return RunOut(
        name=run.name,
        architecture=run.record["architecture"],
        class_names=list(run.class_names),
        synthetic=run.record["data"]["synthetic"],
        created=run.record.get("created", ""),
        default=default,
        loaded=loaded,
        roc_auc=score,
    )


def _record(case: Case) -> dict[str, Any]:
    """Return a case as plain data, with the arrays it names: float32, little-endian, base64."""
    for one in case.attributions:
        if not np.isfinite(one.values).all():
            raise NotFinite(
                f"The map of '{one.method}' of '{case.name}' has numbers that are not finite. "
                "Name other methods."
            )
    record, arrays = case_record(case)
    del arrays["pixels"]  # the sender has them
    told = {
        name: {
            "shape": array.shape,
            "dtype": "<f4",
            "base64": base64.b64encode(array.astype("<f4").tobytes()).decode(),
        }
        for name, array in arrays.items()
    }
    return {**record, "pixels": None, "arrays": told}
