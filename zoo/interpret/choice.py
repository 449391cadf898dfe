"""Which methods explain a run: those that are named, those by default, or what its audit chose."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.base.errors import DamagedRun, InvalidSetting, UnknownName
from zoo.base.explanations import Explainer
from zoo.base.registry import Registry
from zoo.base.settings import explainer_options
from zoo.base.sources import source_name
from zoo.interpret.trust.randomisation import ALIKE
from zoo.interpret.trust.verdict import HOLDS_UP, WEAK
from zoo.network.classifier import TrainedClassifier
from zoo.runs.record import MODEL, read_json
from zoo.runs.run_folder import Run

AUDITS, OWN, AUDIT = "audit", "own", "audit.json"
"""Where audits are kept below a run, which of them is of its own data, and the file of one."""
EQUAL = 0.1
"""Seconds an image within which two methods cost the same."""


@dataclass(frozen=True)
class Choice:
    """The method that was chosen, empty where none may be used, and why, in a sentence or two."""

    method: str
    reason: str


def chosen_methods(registry: Registry, methods: Sequence[str]) -> list[Explainer]:
    """Return the explainers named, without repetition, or those shown by default."""
    if methods:
        return [registry.explainer(name) for name in dict.fromkeys(methods)]
    default = [e for e in registry.explainers.values() if e.default]
    if not default:
        raise InvalidSetting(
            "No explanation method is installed; expected at least one. See: zoo list"
        )
    return default


def serves(explainer: Explainer, classifier: TrainedClassifier) -> bool:
    """Tell whether the network has the gradients, feature map and attention that a method needs."""
    if explainer.differentiates and not classifier.differentiable:
        return False
    if explainer.attention and not classifier.attends:
        return False
    if explainer.feature_layer and classifier.feature_layer is None:
        return False
    return classifier.mapped or not explainer.feature_map


def options_of(
    explainers: Sequence[Explainer], changes: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return every option of each explainer, changed where `changes` names it.

    Raises:
        UnknownName: no explainer has an option of that name.
        InvalidSetting: a value does not fit.
    """
    known = {name for explainer in explainers for name in explainer.options}
    for name in changes:
        if name not in known:
            raise UnknownName.among("option", name, known)
    return {e.name: explainer_options(e.options, changes) for e in explainers}


def choose(run: Run, registry: Registry, classifier: TrainedClassifier) -> Choice:
    """Choose by the audit of the run: that of its own data, or else of the first other data.

    Without an audit of this network it is the first of the methods shown by default that maps its
    features, as Grad-CAM does, or else one that maps the gradient by the pixels.
    """
    able = [one.name for one in registry.explainers.values() if serves(one, classifier)]
    audits = dict(audits_of(run))
    for audit in (audits.pop(OWN, None), *audits.values()):
        if audit is not None:
            return best(audit, able)
    shown = [one for one in chosen_methods(registry, ()) if one.name in able]
    shown = [one for one in shown if one.feature_map or one.gradients == "pixels"]
    shown.sort(key=lambda one: not one.feature_map)
    method = shown[0].name if shown else ""
    told = f"{method} is shown: it" if shown else "No map is shown: it"
    return Choice(
        method,
        f"{told} is not known which method suits this run, since no audit was made of it. "
        f"To make one: zoo explain --audit {run.name}",
    )


def best(audit: Mapping[str, Any], able: Sequence[str]) -> Choice:
    """Choose among the methods of an audit, as `audit.json` has it, that are `able` to serve.

    Of those that hold up, or else of those that are weak, the one with the highest lead over its
    controls is best. What cannot be told apart from it (the interval of the difference reaches 0)
    is as good: then the one that takes the least time is chosen, and of equal ones that with the
    higher lead. A method that is not to be used, or ignores the weights, is never chosen.
    """
    usable = [one for one in audit["standings"] if one["name"] in able and _usable(one)]
    level = HOLDS_UP if any(one["level"] == HOLDS_UP for one in usable) else WEAK
    usable = [one for one in usable if one["level"] == level]
    made = f"the audit on {audit['images']:,} images of {source_name(audit['source'])}"
    if not usable:
        return Choice("", f"No map is shown: {made} found no method whose maps may be used.")
    first = max(usable, key=_lead)
    equal = [one for one in usable if one is first or not _ahead(first, one["name"])]
    chosen = min(equal, key=lambda one: (round(one["seconds"] / EQUAL), -_lead(one)))
    others = ", ".join(one["name"] for one in equal if one is not chosen)
    why = f"its lead over the controls, {_lead(chosen):+.3f}, "
    if chosen is not first:
        why += f"cannot be told from the highest, {_lead(first):+.3f} of {first['name']}, and it "
        why += "costs less"
    elif others:
        why += f"is the highest, and of {others}, which cannot be told from it, none costs less"
    else:
        why += "is the highest"
    doubt = "" if level == HOLDS_UP else " No method holds up there: all are weak at best."
    return Choice(chosen["name"], f"{chosen['name']} was chosen by {made}: {why}.{doubt}")


def audits_of(run: Run) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the audits in a run's folder that are of its network, each with its folder's name.

    What is damaged, or of another version, is left out.
    """
    network = run.record.get("files", {}).get(MODEL, "")
    for path in sorted((run.path / AUDITS).glob(f"*/{AUDIT}")):
        with contextlib.suppress(DamagedRun, KeyError, TypeError, ValueError, AttributeError):
            audit = read_json(path)
            names = [one["name"] for one in audit["standings"] if not one["control"]]
            if names and audit["network"] == network:
                best(audit, names)  # all that a choice needs is there
                yield path.parent.name, audit


def _usable(one: Mapping[str, Any]) -> bool:
    depends = one["likeness"] is None or one["likeness"] < ALIKE
    return not one["control"] and depends and one["level"] in (HOLDS_UP, WEAK)


def _lead(one: Mapping[str, Any]) -> float:
    value = one["score"]["value"]
    return float("-inf") if value is None else float(value)


def _ahead(one: Mapping[str, Any], other: str) -> bool:
    """Tell whether the lead of one is shown to be higher than that of the other."""
    low = one["over"].get(other, {}).get("low")
    return low is not None and low > 0
