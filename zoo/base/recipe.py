"""The settings of a training: what an architecture's recipe, a preset and `--set` may name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.base.errors import InvalidSetting
from zoo.base.settings import _at_least, _one_of

MONITORS = ("pr_auc", "roc_auc", "balanced_accuracy", "accuracy", "loss")

SCHEDULES = ("cosine", "plateau", "constant")

AUGMENTATIONS = ("robust", "chest", "document", "none")

BACKBONES = ("frozen", "trained")

AUTO = "auto"

PRECISIONS = FLOAT32, BFLOAT16, FLOAT16 = "float32", "mixed_bfloat16", "mixed_float16"

XLA = ON, OFF = "on", "off"

FRAMES = ("auto", "lungs", "whole")

INPUT = "input_shape"

PRESETS = FAST, DEFAULT, BEST = "fast", "default", "best"


@dataclass(frozen=True)
class Recipe:
    """How to train: one plain record, stored with the run."""

    epochs: int = 15
    batch_size: int = 32
    fewest_steps: int = 1
    """Steps of an epoch, at least: the images of a small set are seen several times, each time in
    another view."""
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warm_up: float = 0.0
    """Epochs in which the learning rate of a phase rises to its full height."""
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    label_smoothing: float = 0.0
    averaging: float = 0.0
    """Epochs over which weights are averaged for what is scored and kept; 0: those of the last
    step."""
    class_weights: bool = True
    backbone: str = "frozen"
    """Whether a pretrained backbone stays as it is while `epochs` go by, or is 'trained' with the
    head; of a network without one everything is trained."""
    frame: str = "auto"
    """What the network sees of a picture: 'lungs', the part around them, 'whole', or 'auto': lungs
    where the images show them. With masks of something else it is the part around that."""
    augmentation: str = "robust"
    views: int = 2
    """Views of each training image for a frozen backbone: one as it is, the others augmented."""
    monitor: str = "pr_auc"
    patience: int = 5
    """Epochs without a better one, by `monitor` and then by loss, before training stops."""
    fine_tune_epochs: int = 0
    """Epochs with the backbone unfrozen, after the head has been trained."""
    fine_tune_learning_rate: float = 1e-5
    precision: str = AUTO
    """What a network computes in while it is trained on pixels. 'auto': in 16 bits where that was
    measured to be faster on this device. What is kept computes in float32 in any case."""
    xla: str = AUTO
    """Whether the training step is compiled by XLA; 'auto': where that was measured to pay."""
    accumulate: int = 1
    """Parts in which a batch is computed, one after the other, to need less memory. More are taken
    where memory is short."""
    sensitivity: float = 0.0
    """Sensitivity the decision threshold must reach on validation; 0: greatest Youden index."""
    cases: int = 5000
    """Training cases that the run keeps for comparison, at most."""
    pictures: bool = True
    """Whether the run folder keeps small pictures of cases and of errors."""
    seed: int = 0
    split_seed: int = 0
    """Where the data do not say which images belong to which part, the division follows of it:
    trainings with several seeds have the same parts, and can be joined."""

    def __post_init__(self) -> None:
        """Refuse values that cannot work, before anything is read or trained."""
        _one_of("monitor", self.monitor, MONITORS)
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("augmentation", self.augmentation, AUGMENTATIONS)
        _one_of("frame", self.frame, FRAMES)
        _one_of("backbone", self.backbone, BACKBONES)
        _one_of("precision", self.precision, (AUTO, *PRECISIONS))
        _one_of("xla", self.xla, (AUTO, *XLA))
        for name in (
            "epochs",
            "batch_size",
            "accumulate",
            "fewest_steps",
            "patience",
            "views",
            "cases",
        ):
            _at_least(name, getattr(self, name), 1)
        for name in (
            "fine_tune_epochs",
            "weight_decay",
            "clip_norm",
            "warm_up",
            "averaging",
            "seed",
            "split_seed",
        ):
            _at_least(name, getattr(self, name), 0)
        for name in ("learning_rate", "fine_tune_learning_rate"):
            if not 0 < getattr(self, name) <= 10:
                raise InvalidSetting(
                    f"{name} is {getattr(self, name)}; expected a value above 0 and at most 10."
                )
        for name, most in (("batch_size", 4096), ("seed", 2**32 - 1), ("split_seed", 2**32 - 1)):
            if getattr(self, name) > most:
                raise InvalidSetting(f"{name} is {getattr(self, name)}; expected at most {most}.")
        if self.accumulate > self.batch_size:
            raise InvalidSetting(
                f"accumulate is {self.accumulate}; expected at most the batch_size, "
                f"{self.batch_size}: a part has one image or more."
            )
        if not 0 <= self.sensitivity <= 1:
            raise InvalidSetting(
                f"sensitivity is {self.sensitivity}; expected a share from 0 to 1, such as 0.95."
            )
        if not 0 <= self.label_smoothing < 1:
            raise InvalidSetting(
                f"label_smoothing is {self.label_smoothing}; expected 0 up to, but not, 1."
            )

    @classmethod
    def from_record(cls, kept: Mapping[str, Any]) -> Recipe:
        """Return the recipe of a run's record, also of one that an older version wrote.

        Raises:
            TypeError: it has a setting that is not known here, or one of a wrong type.
            InvalidSetting: a value is out of range.
        """
        known = dict(kept)
        if "seed" in known:
            known.setdefault("split_seed", known["seed"])
        if "mixed_precision" in known:
            known["precision"] = BFLOAT16 if known.pop("mixed_precision") else FLOAT32
        return cls(**known)
