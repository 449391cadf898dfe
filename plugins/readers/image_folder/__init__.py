"""A folder of images: `train/val/test/<class>/…`, `<class>/…` and what else archives look like.

The tree is walked once and only files without an image's ending are opened, so a set of 100,000
images is indexed in seconds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import BadInput, Dataset, Sample, check_options, hookimpl
from zoo.base.sources import TABLE_ENDINGS

if TYPE_CHECKING:
    from plugins.readers.image_folder.layout import Placed
    from plugins.readers.image_folder.published import Named
    from zoo.base.pictures.image_files import Walk

LAYOUT = "Expected 'train', 'val' and 'test' with a folder a class in each, or a folder a class."
SHOWN = 5
OPTIONS = ("class", "classes", "patients", "subject")


@hookimpl(trylast=True)  # it takes any folder, so that others are asked first
def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
    """Index a folder of images.

    Options: `patients` (rule), `class` (rule: where the path names the class), `classes` (which,
    in order, with other names if wanted: `0:NORMAL,1:PNEUMONIA`), `subject` (what is shown).
    """
    if not location or not os.path.isdir(location):  # noqa: PTH112 (never raises)
        return None
    check_options("image folder", options, OPTIONS)
    return _index(Path(location), options)


def _index(root: Path, options: Mapping[str, str]) -> Dataset:
    from plugins.readers.image_folder.layout import place  # `zoo list` needs none of it
    from plugins.readers.image_folder.masks import masks_among
    from plugins.readers.image_folder.published import named_by_file
    from zoo import assign_patients
    from zoo.base import patients
    from zoo.base.class_names import chosen_classes
    from zoo.base.file_attributes import attributes_below
    from zoo.base.path_rules import path_rule
    from zoo.base.pictures.image_files import ImagesBelow, walk

    chosen = chosen_classes(options)
    found = walk(root)
    masks = masks_among(found.names, chosen or ())
    images = [name for name in found.names if name not in masks]
    published = None if "class" in options else named_by_file(images)
    rule = path_rule(options["class"]) if "class" in options else None
    if published is not None:
        rule = published.label
    placed = place(images, rule, chosen or ())
    notes = [
        *placed.notes,
        *_masks_left_out(masks),
        found.left_out.sentence(),
        _folders_without_images(found),
    ]
    if published is not None:
        notes.insert(0, published.note)
    class_of, class_names, named = _classes(root, placed, chosen, published, found)
    notes.append(named)
    kept = [name for name in images if name in class_of]
    _check_splits(root, Counter((placed.of_name[n][1], class_of[n]) for n in kept), class_names)
    rule_name, people, note = assign_patients(kept, options.get("patients", patients.AUTO))
    labels = {name: index for index, name in enumerate(class_names)}
    files = ImagesBelow(root)
    subject = published.subject if published else patients.subject_of(rule_name)
    return Dataset(
        source=str(root),
        class_names=class_names,
        samples=tuple(
            Sample(name, labels[class_of[name]], patient, placed.of_name[name][1])
            for name, patient in zip(kept, people, strict=True)
        ),
        read=files.read,
        path=files.path,
        digest=files.digest,
        header=files.header,
        patient_rule=rule_name,
        subject=options.get("subject", subject),
        notes=tuple(filter(None, (note, *notes))),
        attributes=attributes_below(root, kept),
    )


def _classes(
    root: Path,
    placed: Placed,
    chosen: Mapping[str, str] | None,
    published: Named | None,
    found: Walk,
) -> tuple[dict[str, str], tuple[str, ...], str]:
    """Give the class of each image that is used, all classes in order, and a sentence."""
    from zoo.base.class_names import merged, renamed

    if not placed.of_name:
        raise BadInput(f"There are no images in class folders in '{root}'. {_advice(root, found)}")
    spelling, note = merged(label for label, _ in placed.of_name.values())
    class_of = {name: spelling[label] for name, (label, _) in placed.of_name.items()}
    present = sorted(set(class_of.values()))
    new_names = dict(zip(present, present, strict=True))
    if chosen is not None:
        new_names = renamed(chosen, present, f"class folder with images in '{root}'")
    elif published is not None:
        new_names = {label: published.names.get(label, label) for label in present}
    class_names = tuple(dict.fromkeys(new_names.values()))
    if len(class_names) < 2:
        raise BadInput(
            f"'{root}' gives these classes: {', '.join(class_names)}. "
            f"Expected at least two, each named once. {_advice(root, found)}"
        )
    return (
        {name: new_names[label] for name, label in class_of.items() if label in new_names},
        class_names,
        note,
    )


def _advice(root: Path, found: Walk) -> str:
    """Say what was found and what may be meant."""
    left_out = f"{found.left_out.sentence()} {_folders_without_images(found)}".strip()
    seen = f"{len(found.names):,} images were found. {left_out}".strip()
    names = (entry.name for entry in os.scandir(root))
    tables = sorted(name for name in names if name.lower().endswith(TABLE_ENDINGS))
    if tables and found.names:
        named = ", ".join(f"'{root / table}'" for table in tables[:SHOWN])
        return f"{seen} Is the class in a table? Name it instead of its folder: {named}."
    return f"{seen} {LAYOUT} '?class=' takes a rule for paths that name the class otherwise."


def _check_splits(
    root: Path, counts: Counter[tuple[str, str]], class_names: tuple[str, ...]
) -> None:
    for split in sorted({split for split, _ in counts}):
        for name in class_names:
            if not counts[split, name]:
                raise BadInput(
                    f"The class '{name}' has no images in the {split} split of '{root}'. "
                    "Expected the same classes in every split: add the missing images, "
                    "or choose classes with '?classes=A,B'."
                )


def _folders_without_images(found: Walk) -> str:
    """Name folders whose files are all left out: they may have been meant as classes."""
    empty = found.without_images()
    if not empty:
        return ""
    shown = ", ".join(f"'{folder}' ({count:,} files)" for folder, count in [*empty.items()][:SHOWN])
    return f"Folders without any image: {shown}{', …' * (len(empty) > SHOWN)}."


def _masks_left_out(masks: Mapping[str, str]) -> Iterator[str]:
    if masks:
        places = sorted(set(masks.values()))
        shown = ", ".join(places[:SHOWN]) + ", …" * (len(places) > SHOWN)
        yield (
            f"Left out, being masks by their names: {len(masks):,} files ({shown}). "
            "Masks of the lungs can be used with --masks."
        )
