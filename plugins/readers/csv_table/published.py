"""Published tables, as data: by which columns they are known and which options they need.

Options are as if they were given; one that is given goes before them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from zoo.base.class_names import fold


@dataclass(frozen=True)
class Layout:
    """One published table: it has all of `columns` in its first line."""

    title: str
    columns: tuple[str, ...]
    options: Mapping[str, str]
    """Options of the reader as if they were given."""
    frame: tuple[int, int] | None = None
    """Size of the images that boxes were drawn on, where files may be smaller."""
    finding: str = ""
    """What the label 1 stands for, or what runs of pixels mark in a table without labels."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """Files beside the table that name the images of a split."""
    boxes_beside: str = ""
    """A table beside this one with boxes: image, finding, left, top, width, height."""


LAYOUTS = (
    # Xiaosong Wang et al., "ChestX-ray8: Hospital-scale chest X-ray database and benchmarks on
    # weakly-supervised classification and localization of common thorax diseases", 2017.
    Layout(
        "NIH ChestX-ray14",
        ("Image Index", "Finding Labels", "Patient ID"),
        {"path": "Image Index", "label": "Finding Labels", "patient": "Patient ID"},
        frame=(1024, 1024),
        lists={"train_val_list.txt": "train", "test_list.txt": "test"},
        boxes_beside="BBox_List_2017.csv",
    ),
    # George Shih et al., "Augmenting the National Institutes of Health chest radiograph dataset
    # with expert annotations of possible pneumonia", 2019.
    Layout(
        "the RSNA Pneumonia Detection Challenge",
        ("patientId", "x", "y", "width", "height", "Target"),
        {
            "path": "patientId",
            "label": "Target",
            "patient": "patientId",
            "boxes": "x,y,width,height",
        },
        frame=(1024, 1024),
        finding="Pneumonia",
    ),
    # Jeremy Irvin et al., "CheXpert: A large chest radiograph dataset with uncertainty labels and
    # expert comparison", 2019. A finding that a report does not mention is blank.
    Layout(
        "CheXpert",
        ("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA"),
        {"path": "Path", "blank": "negative"},
    ),
    # Alistair Johnson et al., "MIMIC-CXR-JPG, a large publicly available database of labeled chest
    # radiographs", 2019. A row is a study: all images in its folder.
    Layout(
        "MIMIC-CXR",
        ("subject_id", "study_id", "Pneumonia", "No Finding"),
        {"path": "p{subject_id}/s{study_id}", "patient": "subject_id", "blank": "negative"},
    ),
    # Society for Imaging Informatics in Medicine and American College of Radiology, "SIIM-ACR
    # Pneumothorax Segmentation", 2019.
    Layout(
        "SIIM-ACR Pneumothorax",
        ("ImageId", "EncodedPixels"),
        {"path": "ImageId", "runs": "EncodedPixels"},
        frame=(1024, 1024),
        finding="Pneumothorax",
    ),
    # Ha Q. Nguyen et al., "VinDr-CXR: An open dataset of chest X-rays with radiologist's
    # annotations", 2022.
    Layout(
        "VinDr-CXR",
        ("image_id", "class_name", "rad_id", "x_min", "y_min", "x_max", "y_max"),
        {
            "path": "image_id",
            "label": "class_name",
            "reader": "rad_id",
            "boxes": "x_min,y_min,x_max,y_max",
        },
    ),
    Layout(
        "VinDr-CXR's labels of images",
        ("image_id", "rad_id", "No finding"),
        {"path": "image_id", "reader": "rad_id"},
    ),
    # Aurelia Bustos et al., "PadChest: A large chest x-ray image dataset with multi-label annotated
    # reports", 2020.
    Layout(
        "PadChest",
        ("ImageID", "PatientID", "Labels"),
        {"path": "ImageID", "label": "Labels", "patient": "PatientID", "blank": "leave"},
    ),
    # Maria de la Iglesia Vayá et al., "BIMCV COVID-19+: a large annotated dataset of RX and CT
    # images from COVID-19 patients", 2020. A row is a session: all images in its folder.
    Layout(
        "BIMCV-COVID19",
        ("PatientID", "ReportID", "Labels"),
        {
            "path": "{PatientID}/{ReportID}",
            "label": "Labels",
            "patient": "PatientID",
            "blank": "leave",
        },
    ),
)


def recognised(header: Collection[str]) -> Layout | None:
    """Give the published table with such a first line, or None."""
    present = set(map(fold, header))
    for layout in LAYOUTS:
        if present.issuperset(map(fold, layout.columns)):
            return layout
    return None
