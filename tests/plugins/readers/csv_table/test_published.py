"""Published tables in small: made here in their layout, with pictures of 32 pixels."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plugins.readers.csv_table import zoo_read_dataset
from zoo import BadInput, Dataset, InvalidSetting, UnknownName

SIDE = 32


def picture(path: Path, side: int = SIDE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side), 90, np.uint8)).save(path, "PNG")


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerows([header, *rows])
    return path


def index(table: Path, **options: str) -> Dataset:
    dataset = zoo_read_dataset(str(table), options)
    assert dataset is not None
    return dataset


def labels(dataset: Dataset) -> dict[str, str]:
    return {
        sample.name.rpartition("/")[2]: dataset.class_names[sample.label]
        for sample in dataset.samples
    }


def told(dataset: Dataset) -> str:
    return " ".join(dataset.notes)


def marked(dataset: Dataset, name: str, size: tuple[int, int] | None) -> np.ndarray:
    assert dataset.mask is not None
    sample = next(sample for sample in dataset.samples if sample.name.endswith(name))
    return dataset.mask(sample, size)


NIH = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],\n"
    "00000001_000.png,Cardiomegaly,0,1,58,M,PA,2682,2749,0.143,0.143,\n"
    "00000001_001.png,Effusion|Pneumonia,1,1,58,M,AP,2682,2749,0.143,0.143,\n"
    "00000002_000.png,No Finding,0,2,81,F,PA,2500,2048,0.171,0.171,\n"
    "00000003_000.png,Pneumonia,0,3,45,F,PA,2500,2048,0.171,0.171,\n"
    "00000004_000.png,No Finding,0,4,45,F,AP,2500,2048,0.171,0.171,\n"
)


@pytest.fixture
def nih(tmp_path: Path) -> Path:
    table = tmp_path / "Data_Entry_2017.csv"
    table.write_text(NIH)
    for number, line in enumerate(NIH.splitlines()[1:]):
        picture(tmp_path / f"images_{number % 2 + 1:03d}" / "images" / line.split(",")[0])
    return table


def test_nih_without_a_finding_is_refused_for_its_several_labels(nih: Path) -> None:
    with pytest.raises(BadInput, match="several labels an image in 1 of 2"):
        index(nih, where="View Position:AP")
    with pytest.raises(BadInput, match="several labels an image in 1 of 5") as refused:
        index(nih)
    assert "'Effusion|Pneumonia' (line 3)" in str(refused.value)
    assert "Data_Entry_2017.csv?finding=Pneumonia" in str(refused.value)
    assert "&against=No Finding" in str(refused.value)


def test_nih_gives_one_finding_against_the_rest(nih: Path) -> None:
    dataset = index(nih, finding="pneumonia")
    assert dataset.class_names == ("no Pneumonia", "Pneumonia")
    assert [dataset.class_names[s.label] for s in dataset.samples].count("Pneumonia") == 2
    assert labels(dataset)["00000001_001.png"] == "Pneumonia"
    assert {s.patient for s in dataset.samples} == {"1", "2", "3", "4"}
    assert dataset.subject == "chest X-ray"
    assert "the table of NIH ChestX-ray14" in told(dataset)
    assert dataset.read(dataset.samples[0], None).shape == (SIDE, SIDE, 3)
    assert dataset.attributes["View Position"](dataset.samples[0]) == "PA"


def test_nih_gives_one_finding_against_another(nih: Path) -> None:
    dataset = index(nih, finding="Pneumonia", against="No finding")
    assert dataset.class_names == ("No Finding", "Pneumonia")
    assert len(dataset.samples) == 4
    assert "1 images are left out: 1 neither the finding nor what it is held against" in told(
        dataset
    )
    renamed = index(
        nih, finding="Pneumonia", against="No Finding", classes="No Finding:well,Pneumonia:ill"
    )
    assert renamed.class_names == ("well", "ill")
    assert labels(renamed)["00000003_000.png"] == "ill"


def test_rows_can_be_chosen(nih: Path) -> None:
    dataset = index(nih, finding="Pneumonia", where="view position:PA")
    assert set(labels(dataset)) == {"00000001_000.png", "00000002_000.png", "00000003_000.png"}
    assert "3 of 5 rows are chosen by where=view position:PA" in told(dataset)
    both = index(nih, finding="Pneumonia", where="View Position:PA|AP,Patient Gender:F")
    assert len(both.samples) == 3
    with pytest.raises(
        BadInput, match=r"No row .* has 'LL' for View Position; there is: 'PA', 'AP'"
    ):
        index(nih, finding="Pneumonia", where="View Position:LL")
    with pytest.raises(BadInput, match="columns called 'view'"):
        index(nih, finding="Pneumonia", where="view:PA")
    with pytest.raises(BadInput, match="Expected COLUMN:VALUE"):
        index(nih, finding="Pneumonia", where="PA")


def test_unknown_findings_are_refused_with_the_closest(nih: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'Pneumonia'"):
        index(nih, finding="Pneumnia")
    with pytest.raises(UnknownName, match="Did you mean 'No Finding'"):
        index(nih, finding="Pneumonia", against="No Findings")
    with pytest.raises(BadInput, match="'against=No Finding' needs 'finding='"):
        index(nih, against="No Finding")


def test_nih_is_divided_by_its_official_lists(nih: Path) -> None:
    (nih.parent / "train_val_list.txt").write_text("00000001_000.png\n00000001_001.png\n")
    (nih.parent / "test_list.txt").write_text("00000002_000.png\r\n00000003_000.png\n")
    dataset = index(nih, finding="Pneumonia")
    assert Counter(s.split for s in dataset.samples) == {"train": 2, "test": 2}
    assert "1 images in none of them are left out" in told(dataset)
    assert {s.split for s in index(nih, finding="Pneumonia", split="none").samples} == {""}
    (nih.parent / "train_val_list.txt").write_text("other.png\n")
    (nih.parent / "test_list.txt").write_text("")
    with pytest.raises(BadInput, match="None of the images is in test_list"):
        index(nih, finding="Pneumonia")


def test_nihs_boxes_lie_beside_its_table(nih: Path) -> None:
    (nih.parent / "BBox_List_2017.csv").write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00000003_000.png,Pneumonia,0,512,256,512,,,\n"
        "00000001_000.png,Cardiomegaly,0,0,512,512,,,\n"
    )
    dataset = index(nih, finding="Pneumonia")
    mask = marked(dataset, "3_000.png", (16, 16))
    assert mask[8:, :4].all()
    assert mask.sum() == 8 * 4
    assert not marked(dataset, "1_000.png", (16, 16)).any()
    assert "1 images have some" in told(dataset)


RSNA = ["patientId", "x", "y", "width", "height", "Target"]


def rsna(folder: Path, rows: Sequence[Sequence[object]], side: int = SIDE) -> Path:
    for name in {str(row[0]) for row in rows}:
        picture(folder / "stage_2_train_images" / f"{name}.png", side)
    return write(folder / "stage_2_train_labels.csv", RSNA, rows)


def test_rsna_gives_one_image_a_patient_with_all_its_boxes(tmp_path: Path) -> None:
    table = rsna(
        tmp_path,
        [
            ["ill-1", "0.0", 0, 8, 8, 1],
            ["well-1", "", "", "", "", 0],
            ["ill-1", 16, 16, 16, 8, 1],
            ["ill-1", 16, 16, 16, 8, 1],
        ],
    )
    dataset = index(table, classes="0:NORMAL,1:PNEUMONIA")
    assert labels(dataset) == {"ill-1.png": "PNEUMONIA", "well-1.png": "NORMAL"}
    assert [s.patient for s in dataset.samples] == ["ill-1", "well-1"]
    assert "1 lines say the same as another" in told(dataset)
    assert index(table).class_names == ("0", "1")
    assert index(table, finding="pneumonia").class_names == ("no Pneumonia", "Pneumonia")
    mask = marked(dataset, "ill-1.png", None)
    assert mask[:8, :8].all()
    assert mask[16:24, 16:].all()
    assert mask.sum() == 64 + 128
    assert not marked(dataset, "well-1.png", None).any()


def test_rsnas_boxes_are_in_1024_pixels_where_pictures_are_smaller(tmp_path: Path) -> None:
    rows = [["ill", 512, 0, 512, 512, 1], ["well", "", "", "", "", 0]]
    mask = marked(index(rsna(tmp_path, rows)), "ill.png", (8, 8))
    assert mask[:4, 4:].all()
    assert mask.sum() == 16
    half = marked(index(tmp_path / "stage_2_train_labels.csv", frame="2048"), "ill.png", (8, 8))
    assert half[:2, 2:4].all()
    assert half.sum() == 4


def test_a_box_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    table = rsna(tmp_path, [["a", "", "", "", "", 0], ["b", 1, 1, "", 4, 1]])
    with pytest.raises(BadInput, match=r"Line 3 .* has the boxes '1, 1, , 4'"):
        index(table)


CHEXPERT = ["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", "No Finding", "Pneumonia"]


@pytest.fixture
def chexpert(tmp_path: Path) -> Path:
    folder = tmp_path / "CheXpert-v1.0-small"
    rows = []
    for person, cells in enumerate([("1.0", ""), ("", "1.0"), ("", "-1.0"), ("", "0.0"), ("", "")]):
        for view in ("view1_frontal", "view2_lateral"):
            name = f"train/patient{person:05d}/study1/{view}.jpg"
            picture(folder / name)
            rows.append([f"{folder.name}/{name}", "F", 60, view[6:], "AP", *cells])
    return write(folder / "train.csv", CHEXPERT, rows)


def test_chexperts_finding_is_asked_for(chexpert: Path) -> None:
    with pytest.raises(BadInput, match=r"several labels an image, one a column.*\?finding=Pneum"):
        index(chexpert)
    dataset = index(chexpert, finding="Pneumonia")
    assert Counter(labels(dataset).values())
    assert len(dataset.samples) == 8
    assert sum(s.label for s in dataset.samples) == 2
    assert len({s.patient for s in dataset.samples}) == 4, "views of a patient stay together"
    assert "2 images are left out: 2 uncertain" in told(dataset)
    assert "4 images are blank and count as negative" in told(dataset)


@pytest.mark.parametrize(
    ("options", "positive", "all_images"),
    [
        ({"uncertain": "positive"}, 4, 10),
        ({"uncertain": "negative"}, 2, 10),
        ({"blank": "leave"}, 2, 4),
        ({"uncertain": "leave", "blank": "positive"}, 6, 8),
        ({"against": "No Finding"}, 2, 4),
        ({"where": "Frontal/Lateral:frontal"}, 1, 4),
    ],
)
def test_what_uncertain_and_blank_mean_can_be_said(
    chexpert: Path, options: dict[str, str], positive: int, all_images: int
) -> None:
    dataset = index(chexpert, finding="Pneumonia", **options)
    assert sum(s.label for s in dataset.samples) == positive
    assert len(dataset.samples) == all_images


def test_cells_of_findings_are_checked(chexpert: Path) -> None:
    with pytest.raises(InvalidSetting, match="uncertain is 'maybe'; expected 'positive'"):
        index(chexpert, finding="Pneumonia", uncertain="maybe")
    chexpert.write_text(chexpert.read_text().replace("-1.0", "2"))
    with pytest.raises(BadInput, match=r"Line 6 .* has '2' for Pneumonia; expected 1, 0, -1"):
        index(chexpert, finding="Pneumonia")


def test_mimic_names_studies_whose_images_are_all_of_a_finding(tmp_path: Path) -> None:
    for study, count in (("p10/p10000032/s50414267", 2), ("p11/p11000001/s50000001", 1)):
        for number in range(count):
            picture(tmp_path / "files" / study / f"{number}.jpg")
    rows = [[10000032, 50414267, "", "1.0"], [11000001, 50000001, "1.0", ""]]
    table = tmp_path / "mimic-cxr-2.0.0-chexpert.csv.gz"
    text = "\n".join(",".join(map(str, row)) for row in rows)
    table.write_bytes(gzip.compress(f"subject_id,study_id,Pneumonia,No Finding\n{text}\n".encode()))
    dataset = index(table, finding="Pneumonia")
    assert len(dataset.samples) == 3
    assert sum(s.label for s in dataset.samples) == 1
    assert {s.patient for s in dataset.samples} == {"10000032", "11000001"}


def siim_uid(number: int) -> str:
    return f"1.2.276.0.7230010.3.1.4.8323329.{number}.1517875165.{878027 + number}"


@pytest.mark.parametrize("ending", [".png", ".dcm"])
def test_siims_masks_are_read_and_its_uids_are_whole(tmp_path: Path, ending: str) -> None:
    for number in range(3):
        folder = f"1.2.276.0.7230010.3.1.2.{number}/1.2.276.0.7230010.3.1.3.{number}"
        picture(tmp_path / "dicom-images-train" / folder / f"{siim_uid(number)}{ending}")
    runs = f"{1024 * 512} 512 512 512"
    table = tmp_path / "train-rle.csv"
    table.write_text(
        f"ImageId, EncodedPixels\n{siim_uid(0)}, -1\n{siim_uid(1)}, {runs}\n"
        f"{siim_uid(2)},-1\n{siim_uid(1)}, 0 1024\n"
    )
    with pytest.raises(BadInput, match=r"train-rle\.csv\?finding=Pneumothorax"):
        index(table)
    dataset = index(table, finding="pneumothorax")
    assert dataset.class_names == ("no Pneumothorax", "Pneumothorax")
    assert labels(dataset) == {
        f"{siim_uid(n)}{ending}": ("" if n == 1 else "no ") + "Pneumothorax" for n in range(3)
    }
    mask = marked(dataset, f"{siim_uid(1)}{ending}", (1024, 1024))
    assert mask[:, 0].all(), "the second line of the image"
    assert mask[:512, 512].all()
    assert mask[:512, 513].all()
    assert mask.sum() == 1024 + 2 * 512
    assert not marked(dataset, f"{siim_uid(0)}{ending}", (64, 64)).any()


VINDR = ["image_id", "rad_id", "class_name", "x_min", "y_min", "x_max", "y_max"]


def test_vindrs_readers_decide_by_majority(tmp_path: Path) -> None:
    rows: list[list[object]] = []
    votes = {"a": ["Nodule", "Nodule", "No finding"], "b": ["No finding"] * 3}
    votes |= {"c": ["No finding", "No finding", "Nodule"], "d": ["Nodule", "Effusion"]}
    for image, found in votes.items():
        picture(tmp_path / "train" / f"{image}.dicom")
        for reader, finding in enumerate(found):
            box = [0, 8 * reader, 16, 8 * reader + 8] if finding != "No finding" else [""] * 4
            rows.append([image, f"R{reader}", finding, *box])
    rows.append(["a", "R0", "Effusion", 16, 16, 32, 32])
    table = write(tmp_path / "annotations" / "annotations_train.csv", VINDR, rows)
    with pytest.raises(BadInput, match=r"several labels an image|with other labels"):
        index(table)
    dataset = index(table, finding="Nodule")
    assert labels(dataset) == {
        "a.dicom": "Nodule", "b.dicom": "no Nodule", "c.dicom": "no Nodule",
    }  # fmt: skip
    assert "1 images are left out: 1 uncertain" in told(dataset), "two readers, two opinions"
    mask = marked(dataset, "a.dicom", (SIDE, SIDE))
    assert mask[:16, :16].all()
    assert mask.sum() == 16 * 16, "boxes are corners; those of other findings are not shown"


def test_vindrs_labels_of_images(tmp_path: Path) -> None:
    rows = [["a", f"R{n}", n // 2, 0, int(n < 2)] for n in range(3)]
    rows += [["b", f"R{n}", 1, 0, 0] for n in range(3)]
    for name in "ab":
        picture(tmp_path / "train" / f"{name}.dicom")
    header = ["image_id", "rad_id", "Nodule/Mass", "Pneumonia", "No finding"]
    dataset = index(write(tmp_path / "image_labels_train.csv", header, rows), finding="Nodule/Mass")
    assert labels(dataset) == {"a.dicom": "no Nodule/Mass", "b.dicom": "Nodule/Mass"}


def test_padchests_lists_of_labels(tmp_path: Path) -> None:
    rows = [
        [0, "a.png", 0, "p1", "PA", "['normal']"],
        [1, "b.png", 1, "p1", "L", "['pneumonia', 'pleural effusion', 'pneumonia']"],
        [2, "c.png", 1, "p2", "PA", "['copd signs']"],
        [3, "d.png", 1, "p3", "PA", ""],
    ]
    for row in rows:
        picture(tmp_path / str(row[2]) / str(row[1]))
    header = ["", "ImageID", "ImageDir", "PatientID", "Projection", "Labels"]
    table = write(tmp_path / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv", header, rows)
    with pytest.raises(BadInput, match="several labels"):
        index(table)
    dataset = index(table, finding="pneumonia")
    assert labels(dataset) == {
        "a.png": "no pneumonia", "b.png": "pneumonia", "c.png": "no pneumonia",
    }  # fmt: skip
    assert "1 images are left out: 1 blank" in told(dataset)
    assert len(index(table, finding="pneumonia", against="normal").samples) == 2


def test_bimcv_names_sessions(tmp_path: Path) -> None:
    for person, session in (("sub-S03044", "ses-E07985"), ("sub-S03045", "ses-E07986")):
        for view in ("ap", "pa"):
            name = f"{person}_{session}_run-1_bp-chest_vp-{view}_dx"
            picture(tmp_path / person / session / "mod-rx" / f"{name}.png")
            (tmp_path / person / session / "mod-rx" / f"{name}.json").write_text("{}")
    table = write(
        tmp_path / "derivatives" / "labels" / "labels_covid19_posi.tsv",
        ["", "PatientID", "ReportID", "Report", "Labels"],
        [
            [0, "sub-S03044", "ses-E07985", "no changes", "['normal', 'COVID 19']"],
            [1, "sub-S03045", "ses-E07986", "an opacity", "['pneumonia', ' COVID 19']"],
        ],
    )
    dataset = index(table, finding="pneumonia")
    assert len(dataset.samples) == 4
    assert sum(s.label for s in dataset.samples) == 2
    assert {s.patient for s in dataset.samples} == {"sub-S03044", "sub-S03045"}


def test_a_table_that_was_saved_by_a_spreadsheet_in_europe(tmp_path: Path) -> None:
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    text = (
        "sep=;\nfile;diagnosis;age;left;top;right;bottom\n"
        "a.png;well;40,5;;;;\nb.png;ill;41,5;0,0;0,0;15,5;16\n"
    )
    (tmp_path / "set.csv").write_bytes(text.encode("utf-16"))
    dataset = index(tmp_path / "set.csv", boxes="left,top,right,bottom")
    assert labels(dataset) == {"a.png": "well", "b.png": "ill"}
    assert dataset.attributes["age"](dataset.samples[0]) == "40,5"
    assert "'file' for the path, 'diagnosis' for the label" in told(dataset)
    assert marked(dataset, "b.png", None).sum() == 16 * 16
    with pytest.raises(BadInput, match="Expected one column of lists, or four"):
        index(tmp_path / "set.csv", boxes="left,top")


def test_labels_that_differ_little_are_one_class(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("path,label\na,Normal\nb,normal\nc,1\nd,1.0\n")
    dataset = index(tmp_path / "set.csv")
    assert dataset.class_names == ("1", "Normal")
    assert "Taken as one class: 'normal' as 'Normal'; '1.0' as '1'" in told(dataset)


@pytest.mark.parametrize("mark", [";", ",", "/", " + "])
def test_several_labels_are_recognised_by_labels_that_stand_alone(
    tmp_path: Path, mark: str
) -> None:
    buffer = io.StringIO()
    both = f"Effusion{mark}Mass"
    csv.writer(buffer).writerows([["path", "label"], ["a", "Effusion"], ["b", "Mass"], ["c", both]])
    (tmp_path / "set.csv").write_text(buffer.getvalue())
    with pytest.raises(BadInput, match="several labels an image in 1 of 3"):
        index(tmp_path / "set.csv")
    dataset = index(tmp_path / "set.csv", finding="Mass")
    assert labels(dataset) == {"a": "no Mass", "b": "Mass", "c": "Mass"}


def test_a_comma_in_a_label_does_not_make_it_several(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text('path,label\na,"bacterial, severe"\nb,normal\n')
    assert index(tmp_path / "set.csv").class_names == ("bacterial, severe", "normal")


def test_several_rows_an_image_are_several_labels(tmp_path: Path) -> None:
    (tmp_path / "set.csv").write_text("path,label\na,Mass\nb,normal\na,Effusion\na,Mass\n")
    with pytest.raises(BadInput, match=r"Line 4 .* names 'a' again, after line 2, with other"):
        index(tmp_path / "set.csv")
    dataset = index(tmp_path / "set.csv", finding="Effusion")
    assert labels(dataset) == {"a": "Effusion", "b": "no Effusion"}


@pytest.mark.parametrize(
    ("names", "box"),
    [
        ("x,y,w,h", "8,0,16,8"),
        ("xmin,ymin,xmax,ymax", "8,0,24,8"),
        ("X_min,Y_min,X_max,Y_max", "8,0,24,8"),
        ("x1,y1,x2,y2", "8,0,24,8"),
    ],
)
def test_usual_columns_of_boxes_are_taken_and_said(tmp_path: Path, names: str, box: str) -> None:
    for name in ("a.png", "b.png"):
        picture(tmp_path / name)
    table = tmp_path / "set.csv"
    table.write_text(
        f"path,label,{names}\na.png,ill,{box}\na.png,ill,0,8,8,16\nb.png,well,0,0,0,0\n"
    )
    dataset = index(table)
    mask = marked(dataset, "a.png", None)
    assert mask[:8, 8:24].all()
    assert mask.sum() == 16 * 8 + (8 * 16 if "w" in names else 8 * 8)
    assert not marked(dataset, "b.png", (8, 8)).any()
    assert "for the boxes of findings" in told(dataset)
