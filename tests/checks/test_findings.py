from __future__ import annotations

from zoo.checks.findings import ERROR, NOTE, WARNING, Finding, counted, in_order, worst


def finding(level: str, names: tuple[str, ...] = (), groups: tuple = ()) -> Finding:
    return Finding(level, "kind", "Seen.", "Do this.", names, groups)


def test_a_finding_says_what_it_is_about_and_what_to_do() -> None:
    assert str(finding(NOTE)) == "Seen. Do this."
    assert str(finding(NOTE, ("a", "b"))) == "Seen. See a, b. Do this."
    assert str(finding(NOTE, tuple("abcde"))) == "Seen. See a, b, c and 2 more. Do this."
    assert str(finding(NOTE, groups=(("x", "y"), ("z", "w")))) == "Seen. See x, y. Do this."


def test_the_worst_level_counts_and_comes_first() -> None:
    assert worst([]) is None
    assert worst([finding(NOTE), finding(WARNING)]) == WARNING
    assert worst([finding(NOTE), finding(ERROR), finding(WARNING)]) == ERROR
    mixed = [finding(NOTE, ("1",)), finding(ERROR), finding(NOTE, ("2",)), finding(WARNING)]
    assert [f.level for f in in_order(mixed)] == [ERROR, WARNING, NOTE, NOTE]
    assert [f.names for f in in_order(mixed)][2:] == [("1",), ("2",)]


def test_numbers_go_with_their_noun() -> None:
    assert counted(1, "image") == "1 image"
    assert counted(2000, "image") == "2,000 images"
    assert counted(0, "class", "classes") == "0 classes"
