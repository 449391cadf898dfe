from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from plugins.readers.csv_table import zoo_read_dataset
from plugins.readers.csv_table.boxes import parse
from plugins.readers.csv_table.labels import BLANK
from zoo import BadInput, Dataset, InvalidSetting, UnknownName, ZooError
from zoo.base.class_names import fold

PLAIN = "path,label\nb.png,ill\na.png,well\n"
REAL = Path(__file__).parents[4] / "shared" / "data" / "nih_external" / "labels.csv"


def index(folder: Path, text: str | bytes, name: str = "set.csv", **options: str) -> Dataset:
    content = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(content)
    dataset = zoo_read_dataset(str(folder / name), options)
    assert dataset is not None
    return dataset


def test_other_locations_are_declined(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for location in ("phantom", "a.npz", "", str(tmp_path / "folder.csv")):
        assert zoo_read_dataset(location, {}) is None


def test_a_plain_table(tmp_path: Path) -> None:
    dataset = index(tmp_path, PLAIN)
    assert dataset.class_names == ("ill", "well")
    assert [(s.name, s.label, s.patient, s.split) for s in dataset.samples] == [
        ("a.png", 1, "a.png", ""),
        ("b.png", 0, "b.png", ""),
    ]
    assert "No patient is known" in dataset.notes[0]


def test_an_image_is_read_in_the_asked_size(tmp_path: Path) -> None:
    Image.new("L", (40, 30)).save(tmp_path / "a.png")
    dataset = index(tmp_path, PLAIN)
    sample = dataset.samples[0]
    assert dataset.read(sample, None).shape == (30, 40, 3)
    assert dataset.read(sample, (16, 20)).shape == (16, 20, 3)


def test_patients_and_splits(tmp_path: Path) -> None:
    text = "path,label,patient,split\na.png,0,p1,Train\nb.png,1,p1,val\nc.png,1,,TEST\n"
    dataset = index(tmp_path, text)
    assert [s.patient for s in dataset.samples] == ["p1", "p1", "c.png"]
    assert [s.split for s in dataset.samples] == ["train", "validation", "test"]
    assert "2 patients" in dataset.notes[0]
    assert "1 images have none" in dataset.notes[0]


def test_without_a_patient_column_the_names_are_asked(tmp_path: Path) -> None:
    text = "path,label\nx/person1_virus_6.png,1\nx/person1_virus_7.png,1\nx/IM-1-1.png,0\n"
    dataset = index(tmp_path, text)
    assert dataset.patient_rule == "kermany"
    assert [s.patient for s in dataset.samples] == ["IM-1", "virus-1", "virus-1"]


def test_columns_and_root_can_be_chosen(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    Image.fromarray(np.full((20, 30), 90, np.uint8)).save(tmp_path / "films" / "a.png")
    text = "id,file,finding\n1,a.png,x\n2,b.png,y\n"
    root = str(tmp_path / "films")
    dataset = index(tmp_path, text, path="file", label="finding", root=root)
    read = pickle.loads(pickle.dumps(dataset.read))  # noqa: S301
    assert (read(dataset.samples[0], (10, 12)) == 90).all()
    assert len(dataset.digest(dataset.samples[0])) == 16
    assert dataset.header is not None
    assert dataset.header(dataset.samples[0]).width == 30
    with pytest.raises(BadInput, match="There is no file"):
        dataset.read(dataset.samples[1], None)
    with pytest.raises(UnknownName, match="Did you mean 'label'"):
        index(tmp_path, text, labels="finding")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\ufeff" + PLAIN, "set.csv"),
        (PLAIN.replace("\n", "\r\n"), "set.csv"),
        (PLAIN.replace(",", "\t"), "set.tsv"),
        (PLAIN.replace(",", ";"), "set.csv"),
        (PLAIN + "\n,\n", "set.csv"),
        ("path, label \n" + ' b.png ,ill\n"a.png",well\n', "set.CSV"),
        (PLAIN.replace("a.png", ".\\a.png"), "set.csv"),
    ],
    ids=["byte order mark", "crlf", "tab", "semicolon", "blank lines", "spaces", "backslash"],
)
def test_the_kinds_of_table_that_programs_write(tmp_path: Path, text: str, name: str) -> None:
    dataset = index(tmp_path, text, name)
    assert [s.name for s in dataset.samples] == ["a.png", "b.png"]


def test_a_cell_may_hold_a_comma_and_a_line_break(tmp_path: Path) -> None:
    dataset = index(tmp_path, 'path,label,remark\n"a,1.png",x,"one\ntwo"\nb.png,y,\n')
    assert dataset.samples[0].name == "a,1.png"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "0 columns called 'path'"),
        ("film,label\na.png,1\n", "0 columns called 'path' among: film, label"),
        ("file,image,label\na.png,b,1\n", "may be the path: 'file', 'image'"),
        ("path,label\na.png,1,x\n", "Line 2 .* has 3 cells, more than the 2"),
        ("path,label\na.png,0\nb.png,nan\n", "Line 3 .* has no label"),
        ("path,label,patient\na.png,0,p\na.png,0,q\n", "Line 3 .* the patient 'q' instead of 'p'"),
        ("path,label,label\na.png,1,1\n", "2 columns called 'label'"),
        ("path,label\n", "has 0 rows"),
        ("path,label\na.png,1\nb.png,1\n", "at least two different labels"),
        ("path,label\na.png,1\nb.png,\n", "Line 3 .* has no label"),
        ("path,label\na.png,1\n,2\n", "Line 3 .* has no path"),
        ("path,label\na.png,1\nb.png\n", "Line 3 .* has 1 cells"),
        ("path,label\na.png,1\n\n./a.png,2\n", "Line 4 .* names 'a.png' again, after line 2"),
        ("path,label,split\na.png,1,train\nb.png,2,fold3\n", "Line 3 .* the split 'fold3'"),
        ("path,label\na\0.png,1\nb.png,2\n", "Line 2 .* control characters"),
        ('path,label\na.png,1\n"b.png,2\n', "Line 3 .* cannot be read"),
        ("path,label\na.png," + "x" * 200_000 + "\n", "Line 2 .* cannot be read"),
        (b"path,label\n\xff\xfe.png,1\n", "not UTF-8"),
    ],
)
def test_unusable_tables_are_refused(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        index(tmp_path, text)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be opened"):
        zoo_read_dataset(str(tmp_path / "none.csv"), {})


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=80)
    | st.text(alphabet='ab,;"\n\r\t \0\\./', max_size=80).map(
        lambda t: ("path,label\n" + t).encode()
    )
)
def test_any_content_is_read_or_refused_in_words(tmp_path: Path, content: bytes) -> None:
    try:
        dataset = index(tmp_path, content)
    except ZooError:
        return
    assert len({s.name for s in dataset.samples}) == len(dataset.samples)
    for sample in dataset.samples:
        with pytest.raises(ZooError):
            dataset.read(sample, None)


CELLS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1).filter(
    lambda text: text.casefold() not in BLANK
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CELLS, min_size=2, max_size=5, unique_by=fold))
def test_labels_are_read_back_as_written(tmp_path: Path, labels: list[str]) -> None:
    quoted = ['"' + label.replace('"', '""') + '"' for label in labels]
    dataset = index(
        tmp_path, "path,label\n" + "".join(f"{n}.png,{c}\n" for n, c in enumerate(quoted))
    )
    assert [dataset.class_names[s.label] for s in dataset.samples] == labels


BOXED = 'path,label,where\na.png,x,"[[10, 20, 30, 40], [35, 20, 10.5, 5]]"\nb.png,y,[]\nc.png,y,\n'


def mask_of(dataset: Dataset, row: int, size: tuple[int, int] | None) -> np.ndarray:
    assert dataset.mask is not None
    return pickle.loads(pickle.dumps(dataset.mask))(dataset.samples[row], size)  # noqa: S301


def test_boxes_become_a_mask_of_the_asked_size(tmp_path: Path) -> None:
    dataset = index(tmp_path, BOXED, boxes="where", frame="100")
    expected = np.zeros((100, 100), bool)
    expected[20:60, 10:40] = True
    expected[20:25, 35:46] = True  # ends at 45.5
    np.testing.assert_array_equal(mask_of(dataset, 0, (100, 100)), expected)
    half = mask_of(dataset, 0, (50, 200))
    assert half.shape == (50, 200)
    assert half[10:30, 20:80].all()
    assert half.mean() == pytest.approx(expected.mean(), abs=0.01)
    for row in (1, 2):
        assert not mask_of(dataset, row, (50, 50)).any()


def test_a_frame_may_have_two_sides(tmp_path: Path) -> None:
    dataset = index(tmp_path, BOXED, boxes="where", frame="200x100")
    mask = mask_of(dataset, 0, (100, 100))
    assert mask[20:60, 5:20].all()
    assert not mask[:, 25:].any()


def test_without_a_frame_boxes_are_in_pixels_of_the_file(tmp_path: Path) -> None:
    Image.fromarray(np.full((80, 60), 90, np.uint8)).save(tmp_path / "a.png")
    dataset = index(tmp_path, BOXED, boxes="where")
    stored = mask_of(dataset, 0, None)
    assert stored.shape == (80, 60)
    assert stored[20:60, 10:40].all()
    assert mask_of(dataset, 0, (40, 30))[10:30, 5:20].all()
    with pytest.raises(BadInput, match="There is no file"):
        mask_of(dataset, 1, None)


def test_a_small_box_is_not_lost_and_a_large_one_is_cut(tmp_path: Path) -> None:
    text = 'path,label,b\na.png,x,"[[511.2, 3, 0.1, 0.1]]"\nb.png,y,"[[-50, 900, 100, 900]]"\n'
    dataset = index(tmp_path, text, boxes="b", frame="1024")
    assert mask_of(dataset, 0, (64, 64)).sum() == 1
    cut = mask_of(dataset, 1, (1024, 1024))
    assert cut[900:, :50].all()
    assert cut.sum() == 124 * 50


def test_boxes_in_shares_of_the_sides(tmp_path: Path) -> None:
    Image.new("L", (40, 20)).save(tmp_path / "a.png")
    Image.new("L", (20, 40)).save(tmp_path / "b.png")
    text = "path,label,xmin,ymin,xmax,ymax\na.png,ill,0.5,0,1,0.5\nb.png,well,-1,-1,-1,-1\n"
    dataset = index(tmp_path, text)
    assert "Boxes of findings are in shares of the sides" in dataset.notes[-1]
    assert dataset.mask is not None
    mask = dataset.mask(dataset.samples[0], (4, 8))
    assert mask.tolist() == [[False] * 4 + [True] * 4] * 2 + [[False] * 8] * 2
    assert not dataset.mask(dataset.samples[1], (4, 8)).any()
    rounded = index(
        tmp_path, 'path,label,b\na.png,x,"[[0.5001, 0, 0.5, 0.5]]"\nb.png,y,\n', boxes="b"
    )
    assert rounded.mask is not None
    assert rounded.mask(rounded.samples[0], (4, 8)).tolist() == mask.tolist()
    whole = index(tmp_path, text.replace("0.5", "1").replace("1,0,1", "0,0,1"))
    assert whole.mask is not None
    assert whole.mask(whole.samples[0], None).sum() == 1, "one pixel, from 0 to 1"


def test_a_box_beyond_the_image_is_of_another_size(tmp_path: Path) -> None:
    Image.new("L", (40, 20)).save(tmp_path / "a.png")
    text = "path,label,x,y,width,height\na.png,ill,30,90,20,20\nb.png,well,,,,\n"
    dataset = index(tmp_path, text)
    assert dataset.mask is not None
    with pytest.raises(BadInput, match=r"begins at 30, 90, beyond the image of 40 x 20 .*frame="):
        dataset.mask(dataset.samples[0], (4, 8))
    dataset = index(tmp_path, text, boxes="x,y,width,height", frame="100")
    assert dataset.mask is not None
    assert dataset.mask(dataset.samples[0], (10, 10)).sum() == 2


def test_boxes_are_only_read_when_they_are_asked_for(tmp_path: Path) -> None:
    assert index(tmp_path, "path,label,boxes\na.png,x,none\nb.png,y,\n").mask is None
    with pytest.raises(BadInput, match="0 columns called 'where'"):
        index(tmp_path, PLAIN, boxes="where")
    for options in (
        {"frame": "100"},
        {"boxes": "where", "frame": "10x"},
        {"boxes": "where", "frame": "0"},
    ):
        with pytest.raises(InvalidSetting, match="frame="):
            index(tmp_path, BOXED, **options)


@pytest.mark.parametrize(
    "cell",
    [
        "none",
        "{}",
        "5",
        "[1, 2, 3, 4]",
        "[[1, 2, 3]]",
        "[[1, 2, 3, 0]]",
        "[[1, 2, -3, 4]]",
        "[[1, 2, 3, true]]",
        "[[1, 2, 3, null]]",
        '[["1", 2, 3, 4]]',
        "[[1, 2, 3, NaN]]",
        "[[1, 2, Infinity, 4]]",
        "[[1e999, 2, 3, 4]]",
        "[[200, 2, 3, 4]]",
        "[[1, -9, 3, 4]]",
        "[" * 5000,
        "[[1, 2, 3, " + "9" * 400 + "]]",
        "[[1, 2, 3, 4], 7]",
    ],
)
def test_unusable_boxes_are_refused(tmp_path: Path, cell: str) -> None:
    quoted = cell.replace('"', '""')
    with pytest.raises(
        BadInput, match=r"Line 3 .* expected \[\[left, top, width, height\], …\]"
    ) as told:
        index(tmp_path, f'path,label,b\na.png,x,\nb.png,y,"{quoted}"\n', boxes="b", frame="100")
    assert len(str(told.value)) < 400 + len(str(tmp_path))


NUMBER = (
    st.integers(-500, 500) | st.just(10**400) | st.floats() | st.none() | st.booleans() | st.text()
)


@settings(max_examples=100)
@given(st.text(max_size=60) | st.recursive(NUMBER, st.lists).map(json.dumps))
def test_any_cell_is_boxes_or_not(text: str) -> None:
    found = parse(text, (100, 80))
    assert found is None or all(
        width > 0 and height > 0 and left < 100 and top < 80 and left + width > 0
        for left, top, width, height in found
    )


SIDE = st.floats(0.5, 90)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.floats(-20, 99), st.floats(-20, 99), SIDE, SIDE), max_size=4))
def test_boxes_are_read_back_as_written(tmp_path: Path, boxes: list[tuple[float, ...]]) -> None:
    shown = [box for box in boxes if box[0] + box[2] > 0 and box[1] + box[3] > 0]
    text = json.dumps(shown)
    dataset = index(tmp_path, f'path,label,b\na.png,x,"{text}"\nb.png,y,\n', boxes="b", frame="100")
    mask = mask_of(dataset, 0, (100, 100))
    inside = np.zeros((100, 100), bool)
    middle = np.arange(100) + 0.5
    for left, top, width, height in shown:
        rows = (middle > top + 0.01) & (middle < top + height - 0.01)
        columns = (middle > left + 0.01) & (middle < left + width - 0.01)
        inside |= rows[:, None] & columns[None, :]
    assert not (inside & ~mask).any(), "every pixel whose middle lies in a box is in the mask"
    assert mask.sum() <= sum((box[2] + 2) * (box[3] + 2) for box in shown)


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_file(), reason="the NIH X-rays are not on this machine")
def test_the_nih_table() -> None:
    dataset = zoo_read_dataset(str(REAL), {"path": "file", "label": "folder"})
    assert dataset is not None
    assert dataset.class_names == ("NORMAL", "PNEUMONIA")
    assert "patients are named by the table" in dataset.notes[0]
    assert dataset.mask is None


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_file(), reason="the NIH X-rays are not on this machine")
def test_the_boxes_of_the_nih_table() -> None:
    options = {"path": "file", "label": "folder", "boxes": "rsna_boxes", "frame": "1024"}
    dataset = zoo_read_dataset(str(REAL), options)
    assert dataset is not None
    assert dataset.mask is not None
    masks = [dataset.mask(sample, (256, 256)) for sample in dataset.samples]
    marked = [mask for mask in masks if mask.any()]
    assert len(marked) == 48
    assert 0.05 < np.mean(marked) < 0.3


def test_images_are_found_by_their_name(tmp_path: Path) -> None:
    for name in ("a/one.jpeg", "b/c/two.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (16, 16)).save(tmp_path / name)
    table = tmp_path / "labels.csv"
    table.write_text("path,label\none.png,x\ntwo.png,y\n")
    found = zoo_read_dataset(str(table), {"find": "name"})
    assert found is not None
    assert [sample.name for sample in found.samples] == ["a/one.jpeg", "b/c/two.png"]
    (tmp_path / "b/one.png").write_bytes((tmp_path / "b/c/two.png").read_bytes())
    with pytest.raises(BadInput, match="2 images called 'one'"):
        zoo_read_dataset(str(table), {"find": "name"})
    with pytest.raises(BadInput, match="'stem'"):
        zoo_read_dataset(str(table), {"find": "stem"})


def test_every_column_is_an_attribute(tmp_path: Path) -> None:
    text = "view,path,label,age,,age\nAP,b.png,ill, 7 ,x,1\n,a.png,well,41,y,2\nPA,c.png,ill,3,\n"
    dataset = index(tmp_path, text)
    assert set(dataset.attributes) == {"view", "path", "label"}, "none that is named twice"
    view = pickle.loads(pickle.dumps(dataset.attributes["view"]))  # noqa: S301
    assert [view(sample) for sample in dataset.samples] == ["", "AP", "PA"]


def test_attributes_follow_an_image_that_is_found_by_name(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "deep").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "deep" / "b.png")
    dataset = index(tmp_path, "path,label,site,empty\nb,ill,north\na,well,south\n", find="name")
    by_name = {sample.name: dataset.attributes["site"](sample) for sample in dataset.samples}
    assert by_name == {"a.png": "south", "deep/b.png": "north"}
    assert {dataset.attributes["empty"](sample) for sample in dataset.samples} == {""}


def test_classes_choose_and_name_the_labels(tmp_path: Path) -> None:
    text = "path,label\na.png,1\nb.png,0\nc.png,\nd.png,2\n"
    dataset = index(tmp_path, text, classes="0:NORMAL,1:PNEUMONIA")
    assert dataset.class_names == ("NORMAL", "PNEUMONIA")
    assert [(s.name, s.label) for s in dataset.samples] == [("a.png", 1), ("b.png", 0)]
    left_out = "2 images are left out: 1 no label, 1 a label that was not chosen."
    assert left_out in dataset.notes
    merged = index(tmp_path, text, classes="1:ill,0:well,2:ill")
    assert merged.class_names == ("ill", "well")
    assert [s.label for s in merged.samples] == [0, 1, 0]
    assert index(tmp_path, PLAIN, classes="well,ill").class_names == ("well", "ill")


@pytest.mark.parametrize("classes", ["", "a", "a,a", "a:,b", ":x,b", "a:x,b:x", "a:x,a:y"])
def test_classes_that_cannot_be_used(tmp_path: Path, classes: str) -> None:
    with pytest.raises(InvalidSetting, match="at least two, each label once"):
        index(tmp_path, "path,label\na.png,a\nb.png,b\n", classes=classes)


def test_a_label_that_no_row_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="label in the table 'il'"):
        index(tmp_path, PLAIN, classes="il,well")
