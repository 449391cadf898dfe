"""What the labels of the MedMNIST sets mean, by the names of their files, in every size.

Jiancheng Yang et al., "MedMNIST v2: a large-scale lightweight benchmark for 2D and 3D biomedical
image classification", 2023.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_FILE = re.compile(r"([a-z]+mnist)(?:_(?:64|128|224))?\.npz", re.IGNORECASE)

_ORGANS = (
    "bladder", "femur-left", "femur-right", "heart", "kidney-left", "kidney-right", "liver",
    "lung-left", "lung-right", "pancreas", "spleen",
)  # fmt: skip

LABELS: Mapping[str, tuple[str, ...]] = {
    "bloodmnist": (
        "basophil", "eosinophil", "erythroblast", "immature granulocyte", "lymphocyte", "monocyte",
        "neutrophil", "platelet",
    ),
    "breastmnist": ("malignant", "benign"),  # or normal
    "chestmnist": (
        "atelectasis", "cardiomegaly", "effusion", "infiltration", "mass", "nodule", "pneumonia",
        "pneumothorax", "consolidation", "edema", "emphysema", "fibrosis", "pleural", "hernia",
    ),
    "dermamnist": (
        "actinic keratosis", "basal cell carcinoma", "benign keratosis", "dermatofibroma",
        "melanoma", "melanocytic nevus", "vascular lesion",
    ),
    "octmnist": ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
    "organamnist": _ORGANS,
    "organcmnist": _ORGANS,
    "organsmnist": _ORGANS,
    "pathmnist": (
        "adipose", "background", "debris", "lymphocytes", "mucus", "smooth muscle",
        "normal colon mucosa", "cancer-associated stroma", "colorectal adenocarcinoma epithelium",
    ),
    "pneumoniamnist": ("normal", "pneumonia"),
    "retinamnist": ("grade 0", "grade 1", "grade 2", "grade 3", "grade 4"),
    "tissuemnist": (
        "collecting duct or connecting tubule", "distal convoluted tubule",
        "glomerular endothelial cells", "interstitial endothelial cells", "leukocytes",
        "podocytes", "proximal tubule segments", "thick ascending limb",
    ),
}  # fmt: skip
"""By the set's name, in the order of the labels."""

CHEST = ("chestmnist", "pneumoniamnist")


def set_of(path: str) -> str:
    """Give the set that a file is of, `chestmnist` for `chestmnist_64.npz`; '' for another."""
    match = _FILE.fullmatch(Path(path).name)
    name = match[1].lower() if match else ""
    return name if name in LABELS else ""
