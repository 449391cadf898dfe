"""What varies from patient to patient, from one take to the next, and in disease.

The frame: x from -1 (the patient's right, image left) to 1, y from -1 (top) to 1 (bottom).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Body:
    """The anatomy of one patient; lengths in half image sides, densities in units of tissue."""

    breadth: float
    """Half width of the rib cage at its widest."""
    apex: float
    """Height of the top of the lungs."""
    base: float
    """Height of the right half of the diaphragm at its side."""
    dome: float
    """How far the diaphragm rises in the middle of each half."""
    left_drop: float
    """How much lower the left half lies than the right."""
    girth: float
    """Half width of the trunk, as a multiple of the breadth."""
    shoulder: float
    heart: tuple[float, float, float]
    """How far it reaches to the patient's left and right, and the height of its waist."""
    mediastinum: float
    knob: float
    """Radius of the aortic knob."""
    trachea: float
    rib_spacing: float
    rib_phase: float
    rib_density: float
    rib_slope: float
    clavicle: float
    air: float
    """How much the lungs lighten the film: deep breath, thin chest wall."""
    markings: float
    """How strongly the vessels show."""
    bubble: float
    """Radius of the air in the stomach; 0 when there is none."""
    breast: float
    seed: int
    """For the course of the vessels and the texture of the tissue."""


@dataclass(frozen=True)
class Pose:
    """How the patient stood and breathed: angle in radians, scale and shift."""

    angle: float
    scale: float
    shift: tuple[float, float]
    uneven: tuple[float, float]
    """How much more air shows on the patient's left, and below: turned, or breathing in."""


@dataclass(frozen=True)
class Opacity:
    """One consolidation, placed in one lung by shares of its width and height."""

    side: int
    """-1 for the patient's right lung (image left), 1 for the left."""
    across: float
    down: float
    radius: float
    stretch: float
    density: float
    seed: int


@dataclass(frozen=True)
class Scene:
    """All that one drawing shows."""

    size: int
    body: Body
    pose: Pose
    opacities: tuple[Opacity, ...]


def draw_body(rng: np.random.Generator) -> Body:
    """Draw a patient's anatomy."""
    uniform = rng.uniform
    return Body(
        breadth=uniform(0.68, 0.80),
        apex=uniform(-0.80, -0.70),
        base=uniform(0.58, 0.74),
        dome=uniform(0.17, 0.30),
        left_drop=uniform(0.01, 0.08),
        girth=uniform(1.12, 1.28),
        shoulder=uniform(-0.62, -0.50),
        heart=(uniform(0.30, 0.46), uniform(0.15, 0.23), uniform(0.02, 0.12)),
        mediastinum=uniform(0.11, 0.16),
        knob=uniform(0.05, 0.11),
        trachea=uniform(0.035, 0.05),
        rib_spacing=uniform(0.150, 0.180),
        rib_phase=uniform(0.0, 1.0),
        rib_density=uniform(0.09, 0.16),
        rib_slope=uniform(0.10, 0.22),
        clavicle=uniform(-0.66, -0.56),
        air=uniform(0.32, 0.66),
        markings=uniform(0.7, 1.4),
        bubble=uniform(0.07, 0.14) if uniform() < 0.5 else 0.0,
        breast=uniform(0.0, 0.16),
        seed=int(rng.integers(2**32)),
    )


def draw_pose(rng: np.random.Generator) -> Pose:
    """Draw how the patient stood this time."""
    return Pose(
        angle=rng.normal(0.0, 0.035),
        scale=rng.uniform(0.93, 1.08),
        shift=(rng.normal(0.0, 0.03), rng.normal(0.0, 0.03)),
        uneven=(rng.normal(0.0, 0.25), rng.normal(0.0, 0.25)),
    )


def draw_opacities(
    rng: np.random.Generator, difficulty: float, extent: float = 1.0
) -> tuple[Opacity, ...]:
    """Draw one to three consolidations; the later ones are fainter companions of the first."""
    count = int(rng.choice((1, 2, 3), p=(0.6, 0.25, 0.15)))
    strength = rng.uniform(0.6, 1.5) * (1.5 - difficulty)
    return tuple(
        Opacity(
            side=int(rng.choice((-1, 1))),
            across=rng.uniform(0.30, 0.75),
            down=rng.uniform(0.25, 0.85),
            radius=extent * rng.uniform(0.14, 0.27),
            stretch=rng.uniform(0.7, 1.4),
            density=strength * (1.0 if number == 0 else rng.uniform(0.6, 1.0)),
            seed=int(rng.integers(2**32)),
        )
        for number in range(count)
    )
