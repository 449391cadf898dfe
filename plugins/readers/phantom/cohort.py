"""Who is in a synthetic data set: patients, their images and their findings, by number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from plugins.readers.phantom import anatomy, drawing, exposure
from zoo import Dataset, Sample, digest_bytes, resize
from zoo.base.patients import CHEST

VERSION = 2
"""To be raised when the same options give other pixels."""
CLASS_NAMES = ("NORMAL", "PNEUMONIA")
COUNT, ANATOMY, TAKE, FINDING = range(4)
"""Separate streams of random numbers, so that nothing but the finding depends on the class."""


@dataclass(frozen=True)
class Cohort:
    """A synthetic data set: everything in it follows from these five numbers."""

    seed: int
    size: int
    prevalence: float
    difficulty: float
    extent: float

    def samples(self, count: int) -> tuple[Sample, ...]:
        """Give `count` samples, one to three of each patient."""
        images_of_patient = self._random(COUNT).integers(1, 4, size=count)
        patients = np.repeat(np.arange(count), images_of_patient)[:count]
        takes = np.arange(count) - np.searchsorted(patients, patients)
        return tuple(
            Sample(f"phantom{patient:06d}-{take}", self._label(patient), f"phantom{patient:06d}")
            for patient, take in zip(patients.tolist(), takes.tolist(), strict=True)
        )

    def read(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Draw one image as `(height, width, 3)` uint8."""
        scene, take, rng = self._scene(sample)
        gray = exposure.expose(drawing.attenuation(scene), take, rng)
        return resize(np.repeat(gray[..., None], 3, axis=-1), size)

    def mask(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Tell where the opacities are, as `(height, width)` bool; nowhere in a normal image."""
        return _resized(drawing.opacity_mask(self._scene(sample)[0]), size)

    def lungs(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Tell where the lungs are, as `(height, width)` bool."""
        return _resized(drawing.lung_mask(self._scene(sample)[0]), size)

    def marker(self, sample: Sample) -> str:
        """Tell on which side of the picture the marker is: 'left', 'right' or 'none'."""
        return {-1: "left", 0: "none", 1: "right"}[self._take(sample).marker]

    def contrast(self, sample: Sample) -> str:
        """Tell how steep the film's tone is, as a number."""
        return f"{self._take(sample).contrast:.3f}"

    def digest(self, sample: Sample) -> str:
        """Identify the image by all that it follows from."""
        return digest_bytes(f"phantom {VERSION} {self} {sample.name}".encode())

    def _label(self, patient: int) -> int:
        """Spread the diseased patients evenly, so that every part has close to the prevalence."""
        return int((patient + 1) * self.prevalence) - int(patient * self.prevalence)

    def _take(self, sample: Sample) -> exposure.Take:
        patient, take = _numbers(sample)
        return exposure.draw(self._random(TAKE, patient, take))

    def _scene(self, sample: Sample) -> tuple[anatomy.Scene, exposure.Take, np.random.Generator]:
        patient, take = _numbers(sample)
        finding = self._random(FINDING, patient)
        rng = self._random(TAKE, patient, take)
        settings = exposure.draw(rng)
        scene = anatomy.Scene(
            size=self.size,
            body=anatomy.draw_body(self._random(ANATOMY, patient)),
            pose=anatomy.draw_pose(rng),
            opacities=(
                anatomy.draw_opacities(finding, self.difficulty, self.extent)
                if sample.label
                else ()
            ),
        )
        return scene, settings, rng

    def _random(self, *stream: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([VERSION, self.seed, *stream]))


def _numbers(sample: Sample) -> tuple[int, int]:
    """Return the number of the patient, and that of the take."""
    patient, take = sample.name.removeprefix("phantom").split("-")
    return int(patient), int(take)


def _resized(mask: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    grown = np.repeat(mask[..., None], 3, axis=-1).astype(np.uint8) * 255
    return resize(grown, size)[..., 0] >= 128


def dataset(
    *, images: int, seed: int, size: int, prevalence: float, difficulty: float, extent: float
) -> Dataset:
    """Describe a synthetic data set; its images are drawn when they are read."""
    cohort = Cohort(seed, size, prevalence, difficulty, extent)
    samples = cohort.samples(images)
    patients = len({sample.patient for sample in samples})
    return Dataset(
        source="phantom",
        class_names=CLASS_NAMES,
        samples=samples,
        read=cohort.read,
        digest=cohort.digest,
        mask=cohort.mask,
        attributes={"marker": cohort.marker, "contrast": cohort.contrast},
        subject=CHEST,
        synthetic=True,
        notes=(
            (
                f"The images are synthetic: drawings of {patients:,} patients who do not exist. "
                "Figures measured on them say nothing about real radiographs."
            ),
        ),
    )
