"""Examples: known cases that resemble the image, contrast with it or bear on the answer."""

from __future__ import annotations

from collections.abc import Sequence

from explain.checks import check_at_least, check_targets
from zoo import BadInput, Classifier, Examples, Explainer, Images, Option, Reference, hookimpl

NAME = "examples"


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare explanation by examples."""
    return [
        Explainer(
            name=NAME,
            summary="Known cases that are alike, that contrast, and that made the answer.",
            explain=explain,
            reference=(
                "Papernot, McDaniel. Deep k-Nearest Neighbors: Towards Confident, Interpretable "
                "and Robust Deep Learning, 2018; Kenny, Keane. Twin-Systems to Explain Artificial "
                "Neural Networks using Case-Based Reasoning, 2019; Yeh, Kim, Yen, Ravikumar. "
                "Representer Point Selection for Explaining Deep Neural Networks, 2018"
            ),
            options={
                "similar": Option(5, "nearest cases shown, of any label"),
                "contribution": Option(3, "cases shown that are nearest in what decides"),
                "contrast": Option(3, "nearest cases shown whose label is not the target"),
                "almost": Option(3, "nearest cases shown of the target that are nearly another"),
                "pushed": Option(3, "cases shown that made the answer, and as many against it"),
                "regions": Option(3, "similar cases compared with the image place by place"),
                "agreement": Option(15, "nearest cases whose labels are counted"),
            },
            default=True,
            gradients="features",
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,
    *,
    similar: int = 5,
    contribution: int = 3,
    contrast: int = 3,
    almost: int = 3,
    pushed: int = 3,
    regions: int = 3,
    agreement: int = 15,
) -> list[Examples]:
    """Choose the reference cases that explain each image, in groups.

    'similar', 'contribution', 'contrast', 'almost', 'pushed' and 'pulled', in this order; a group
    without a case is left out, and 'contribution' and the last three where the network's last
    weighted layer is not linear in the embedding. The image itself, cases of its own patient (when
    the patient is known) and copies of a case are left out. With fewer cases than asked for there
    are as many as there are; without any the agreement is 0.

    Details: 'neighbours' (how many the agreement counts), 'left out' (how many cases are the image
    itself or of its own patient), 'patient' ('known' or 'unknown').

    Raises:
        BadInput: no reference cases, or cases of another network.
        InvalidSetting: a target that is not one of the classes, a negative number of cases to
            show, or an agreement of fewer than one.
    """
    counts = {
        "similar": similar,
        "contribution": contribution,
        "contrast": contrast,
        "almost": almost,
        "pushed": pushed,
        "regions": regions,
        "agreement": agreement,
    }
    check_targets(classifier, targets)
    for name, count in counts.items():
        check_at_least(name, count, 1 if name == "agreement" else 0)
    if reference is None or not len(reference.labels):
        raise BadInput(
            "There are no reference cases to compare with; 'examples' needs the training cases "
            "that a run keeps. Train the run again and let it keep some."
        )
    from explain.cases.groups import Finder

    return Finder(classifier, reference, counts).explain(NAME, images, targets)
