from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import InvalidSetting, UnknownName
from zoo.base import patients


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person12_bacteria_34.jpeg", "bacteria-12"),
        ("person12_virus_34.jpeg", "virus-12"),
        ("person1_virus_6_2.jpeg", "virus-1"),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("IM-0115-0001-0002.jpeg", "IM-0115"),
        ("NORMAL2-IM-1427-0001.jpeg", "NORMAL2-IM-1427"),
        ("train/NORMAL/IM-0115-0001.jpeg", "IM-0115"),
        ("C:\\films\\IM-0115-0001.jpeg", "IM-0115"),
        ("person12_fungus_34.jpeg", None),
        ("IM-0115.jpeg", None),
        ("person\u0661_virus_6.jpeg", None),
    ],
)
def test_kermany_names(name: str, patient: str | None) -> None:
    assert patients.patient_of("kermany", name) == patient


@pytest.mark.parametrize(
    ("name", "patient"),
    [("00001280_004.png", "1280"), ("00000000_000", "0"), ("1280_004.png", None), ("x.png", None)],
)
def test_nih_names(name: str, patient: str | None) -> None:
    assert patients.patient_of("nih", name) == patient


def test_the_none_rule_knows_nobody() -> None:
    assert patients.patient_of("none", "IM-0115-0001.jpeg") is None


def test_an_unknown_rule_is_refused_with_the_closest_one() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'kermany'"):
        patients.patient_of("kermani", "x")
    with pytest.raises(UnknownName, match="kermany"):
        patients.assign_patients(["x"], "kermani")


@pytest.mark.parametrize(("fitting", "rule"), [(9, "kermany"), (8, "none")])
def test_a_rule_is_chosen_when_nine_in_ten_names_fit(fitting: int, rule: str) -> None:
    names = [f"IM-{n:04d}-0001.jpeg" for n in range(fitting)]
    assert patients.choose_rule(names + ["other.jpeg"] * (10 - fitting)) == rule


def test_nih_is_chosen_and_no_names_fit_no_rule() -> None:
    assert patients.choose_rule(["00001280_004.png", "00001281_000.png"]) == "nih"
    assert patients.choose_rule([]) == "none"


def test_a_patient_in_two_splits_keeps_one_id() -> None:
    names = ["train/PNEUMONIA/person3_virus_1.jpeg", "test/PNEUMONIA/person3_virus_2.jpeg"]
    rule, people, note = patients.assign_patients(names)
    assert rule == "kermany"
    assert people == ["virus-3", "virus-3"]
    assert note == "1 patients recognised by the 'kermany' rule."


def test_a_name_that_does_not_fit_is_its_own_patient() -> None:
    _, people, note = patients.assign_patients(["a/IM-0001-0001.png", "a/odd.png"], "kermany")
    assert people == ["IM-0001", "a/odd.png"]
    assert "1 name does not fit" in note


def test_without_a_rule_every_image_is_a_patient_and_the_user_is_told() -> None:
    rule, people, note = patients.assign_patients(["a/1.png", "b/1.png"])
    assert (rule, people) == ("none", ["a/1.png", "b/1.png"])
    assert "No patient is known" in note


@given(st.text(), st.sampled_from(sorted(patients.RULES)))
def test_any_name_gives_a_patient_or_none(name: str, rule: str) -> None:
    patient = patients.patient_of(rule, name)
    assert patient is None or patient


@given(
    st.integers(0, 9999),
    st.sampled_from(["bacteria", "virus"]),
    st.integers(0, 9999),
    st.integers(0, 9999),
    st.sampled_from(["train/", "test/PNEUMONIA/", ""]),
)
def test_folder_and_image_number_do_not_change_the_patient(
    person: int, kind: str, first: int, second: int, folder: str
) -> None:
    one = patients.patient_of("kermany", f"person{person}_{kind}_{first}.jpeg")
    other = patients.patient_of("kermany", f"{folder}person{person}_{kind}_{second}.png")
    assert one == other == f"{kind}-{person}"


@given(st.lists(st.text(min_size=1), unique=True))
def test_every_name_gets_a_patient(names: list[str]) -> None:
    _, people, _ = patients.assign_patients(names)
    assert len(people) == len(names)
    assert all(people)


@pytest.mark.parametrize(
    ("rule", "name", "patient"),
    [
        ("folder", "CheXpert/train/patient00001/study1/view1.jpg", "patient00001"),
        ("folder", "MURA\\valid\\XR_WRIST\\patient11185\\study1_positive\\1.png", "patient11185"),
        ("folder", "NORMAL/Patient 12/1.png", "Patient 12"),
        ("folder", "NORMAL/patients/1.png", None),
        ("folder", "NORMAL/patient12.png", None),
        ("mimic", "files/p10/p10000032/s50414267/02aa804e.jpg", "p10000032"),
        ("mimic", "files/p10/s50414267/p10000032.jpg", None),
        ("bids", "sub-S03044/ses-E07985/mod-rx/sub-S03044_ses-E07985_run-1_bp-chest.png", "S03044"),
        ("tuberculosis", "CXR_png/CHNCXR_0327_1.png", "CHNCXR_0327"),
        ("folder:2", "train/p7/1.png", "p7"),
        (r"_(\d+)_", "train/id_7_1.png", "7"),
    ],
)  # fmt: skip
def test_patients_in_paths(rule: str, name: str, patient: str | None) -> None:
    assert patients.patient_of(rule, name) == patient


def test_views_of_a_patient_in_a_folder_are_found_unasked() -> None:
    names = [f"train/patient{n}/study{s}/view1.jpg" for n in range(3) for s in range(2)]
    rule, people, note = patients.assign_patients(names)
    assert rule == "folder"
    assert len(set(people)) == 3
    assert note == "3 patients recognised by the 'folder' rule."
    assert patients.assign_patients(names, r"patient(\d)")[1] == [p[-1] for p in people]
    with pytest.raises(InvalidSetting, match="no rule for paths"):
        patients.assign_patients(names, "folder:x")


def test_deep_folders_without_a_rule_lead_to_a_question() -> None:
    note = patients.assign_patients(["a/b/c/1.png"])[2]
    assert "'patients=folder:2' for 'a/b/c/1.png'" in note
    assert "folder:2" not in patients.assign_patients(["a/1.png"])[2]


@pytest.mark.parametrize(
    ("rule", "known", "told"),
    [
        ("kermany", 60, "patient rule: kermany"),
        ("none", 60, "as the data name them"),
        ("none", 100, "nobody is known"),
    ],
)
def test_it_is_told_how_patients_are_known(rule: str, known: int, told: str) -> None:
    data = {"patient_rule": rule, "images": 100, "patients": known}
    assert patients.how_known(data) == told
