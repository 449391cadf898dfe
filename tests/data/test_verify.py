from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo import BadInput, Dataset, Sample
from zoo.base.progress import SILENT, Silent
from zoo.data.verify import verify


def stored(broken: set[str] = frozenset(), content: str = "") -> Dataset:  # type: ignore[assignment]
    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        if sample.name in broken:
            raise BadInput(f"'{sample.name}' is cut short.")
        return np.zeros((*(size or (8, 8)), 3), np.uint8)

    return Dataset(
        source="here",
        class_names=("a", "b"),
        samples=tuple(Sample(f"i{n}", n % 2, f"p{n}") for n in range(20)),
        read=read,
        digest=lambda sample: f"{sample.name}{content}",
    )


def test_whole_data_pass_with_a_digest_for_each_image() -> None:
    done = verify(stored(), skip_broken=False, progress=SILENT)
    assert done.broken == ()
    assert done.dataset.samples == stored().samples
    assert done.digests["i7"] == "i7"
    assert len(done.digests) == 20


def test_broken_images_are_refused_and_named_up_to_five() -> None:
    with pytest.raises(BadInput) as caught:
        verify(stored({f"i{n}" for n in range(7)}), skip_broken=False, progress=SILENT)
    told = str(caught.value)
    assert "7 of 20 images cannot be read" in told
    assert all(f"'i{n}' is cut short" in told for n in range(5))
    assert "'i5'" not in told
    assert "and 2 more" in told
    assert "--skip-broken" in told


def test_broken_images_are_left_out_when_asked() -> None:
    done = verify(stored({"i3", "i4"}), skip_broken=True, progress=SILENT)
    assert len(done.dataset.samples) == 18
    assert {s.name for s in done.dataset.samples}.isdisjoint({"i3", "i4"})
    assert done.digests.keys() == {s.name for s in done.dataset.samples}
    assert done.broken == ("'i3' is cut short.", "'i4' is cut short.")


def test_a_class_without_a_readable_image_is_refused_even_so() -> None:
    with pytest.raises(BadInput, match="No image of class 'b'"):
        verify(stored({f"i{n}" for n in range(1, 20, 2)}), skip_broken=True, progress=SILENT)


def test_generated_images_are_not_drawn() -> None:
    every = {f"i{n}" for n in range(20)}
    assert (
        len(
            verify(
                replace(stored(every), synthetic=True), skip_broken=False, progress=SILENT
            ).digests
        )
        == 20
    )


def test_the_fingerprint_follows_content_labels_patients_and_splits() -> None:
    def fingerprint(dataset: Dataset) -> str:
        return verify(dataset, skip_broken=False, progress=SILENT).fingerprint

    plain, first = stored(), stored().samples[0]
    others = [
        stored(content="!"),
        *(
            replace(plain, samples=(replace(first, **change), *plain.samples[1:]))
            for change in ({"label": 1}, {"patient": "x"}, {"split": "test"}, {"name": "x"})
        ),
        replace(plain, samples=plain.samples[1:]),
    ]
    assert fingerprint(plain) == fingerprint(stored())
    assert len({fingerprint(plain), *map(fingerprint, others)}) == 1 + len(others)


def test_progress_counts_every_image() -> None:
    class Counting(Silent):
        total, steps = 0, 0

        def start(self, title: str, total: int) -> None:
            self.total = total

        def advance(self, steps: int = 1) -> None:
            self.steps += steps

    counting = Counting()
    verify(stored(), skip_broken=False, progress=counting)
    assert (counting.total, counting.steps) == (20, 20)
