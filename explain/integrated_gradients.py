"""Integrated gradients: the logit's difference from a baseline, shared out among the pixels."""

from __future__ import annotations

from collections.abc import Sequence

from explain.maps import path
from zoo import Attribution, Classifier, Explainer, Images, Reference, hookimpl

NAME = "integrated-gradients"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare integrated gradients."""
    return [
        Explainer(
            name=NAME,
            summary="Pixels that raise or lower the target's logit, compared with a baseline.",
            explain=explain,
            reference="Sundararajan, Taly, Yan. Axiomatic Attribution for Deep Networks, 2017",
            options=path.OPTIONS,
            differentiates=True,
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
    *,
    baseline: str = "blurred",
    steps: int = 32,
) -> list[Attribution]:
    """Map each image by its gradients along the path from a baseline, times the difference to it.

    `baseline` is a blurred copy of the image, its mean gray level, or black; the paper takes black,
    which on an X-ray is itself a finding, and gives black pixels nothing. Values are
    `(height, width)`, signed, in logits, added up over the channels; all of them add up to the
    target's logit less that of the baseline, but for the 'completeness error'. It falls with more
    `steps`.

    Details: 'completeness error', 'logit', 'logit of the baseline' (logits).

    Raises:
        InvalidSetting: a target that is not one of the classes, an unknown baseline, or `steps`
            below 1.
    """
    return path.attributions(NAME, classifier, images, targets, baseline, steps)
