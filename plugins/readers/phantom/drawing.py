"""Add up what the rays pass through: a thorax as sums of soft shapes, without loops over pixels."""

from __future__ import annotations

import numpy as np

from plugins.readers.phantom.anatomy import Body, Opacity, Pose, Scene

Grid = tuple[np.ndarray, np.ndarray]


def attenuation(scene: Scene) -> np.ndarray:
    """Return `(size, size)` float32: 0 is air beside the body, about 1.5 the densest bone."""
    body, grid = scene.body, _grid(scene.size, scene.pose)
    lungs, trunk = _lungs(body, grid), _trunk(body, grid)
    texture = _texture(scene.size, body.seed)
    filled = np.zeros_like(lungs)
    for one in scene.opacities:
        filled += _opacity(one, body, grid)
    aside, down = scene.pose.uneven
    breath = np.maximum(1 + aside * grid[0] + down * grid[1], 0.3)
    healthy = body.air * breath * lungs * (1 + 0.10 * texture)
    air = healthy * (1 - np.minimum(filled, 0.95))
    # The rest of the lungs takes more air, as in life: were the sum of the film to tell the
    # class, a network could do without looking for the opacity.
    air *= healthy.sum() / air.sum()
    belly = _belly(body, grid) - _stomach(body, grid)
    organs = np.maximum(belly, _heart(body, grid)) + _vessels(scene, lungs) + _airway(body, grid)
    bones = _ribs(body, grid) + _clavicles(body, grid) + _spine(body, grid)
    organs += bones + body.breast * _breasts(body, grid)
    return trunk * (0.80 + 0.06 * texture) - air + organs * np.minimum(trunk * 1.2, 1)


def opacity_mask(scene: Scene) -> np.ndarray:
    """Return `(size, size)` bool: where an opacity has at least 40 % of its greatest density."""
    grid = _grid(scene.size, scene.pose)
    lungs = _lungs(scene.body, grid)
    mask = np.zeros((scene.size, scene.size), bool)
    for one in scene.opacities:
        shown = _opacity(one, scene.body, grid) * lungs
        mask |= shown >= 0.4 * shown.max()
    return mask


def lung_mask(scene: Scene) -> np.ndarray:
    """Return `(size, size)` bool: where a lung is, behind the heart too, as people outline lungs.

    Rib cage above the diaphragm, on either side of the mediastinum; an opacity is part of its lung.
    """
    body, (x, y) = scene.body, _grid(scene.size, scene.pose)
    within = (np.abs(x) < _cage(body, y)) & (np.abs(x) > body.mediastinum)
    return within & (y < _diaphragm(body, x))


def _grid(size: int, pose: Pose) -> Grid:
    """Give the body's coordinates at every pixel."""
    axis = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    x = axis[None, :] - np.float32(pose.shift[0])
    y = axis[:, None] - np.float32(pose.shift[1])
    cos, sin = np.float32(np.cos(pose.angle)), np.float32(np.sin(pose.angle))
    scale = np.float32(pose.scale)
    return (cos * x + sin * y) / scale, (cos * y - sin * x) / scale


def _step(distance: np.ndarray, softness: float) -> np.ndarray:
    """Rise from 0 to 1 where the distance goes from negative to positive."""
    return 1 / (1 + np.exp(np.clip(distance * np.float32(-4 / softness), -30, 30)))


def _blob(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fall from 1 at the origin to 0.5 on the unit circle, flatter than a Gaussian within."""
    return 1 / (1 + np.square(np.square(x) + np.square(y)))


def _cage(body: Body, y: np.ndarray) -> np.ndarray:
    """Give the half width of the rib cage at a height."""
    down = np.clip((y - body.apex) / (body.base - body.apex), 0.0, 1.15)
    return body.breadth * np.power(1 - np.square(1 - np.minimum(down, 1.0)) ** 1.25, 0.5)


def _lungs(body: Body, grid: Grid) -> np.ndarray:
    """Give the share of air, 0 to 1: rib cage, less heart and vessels, above the diaphragm."""
    x, y = grid
    side = _cage(body, y) - np.abs(x)
    shape = _step(side, 0.045) * _step(_diaphragm(body, x) - y, 0.03)
    depth = 0.55 + 0.45 * np.tanh(np.maximum(side, 0) * 5)
    return shape * depth * (1 - 0.92 * _step(_centre_edge(body, grid), 0.05))


def _diaphragm(body: Body, x: np.ndarray) -> np.ndarray:
    """Give the height of the diaphragm: a dome in each half, the left one lower."""
    across = np.minimum((np.abs(x) / body.breadth - 0.46) / 0.54, 1.0)
    return body.base + body.left_drop * _step(x, 0.1) - body.dome * (1 - across * across)


def _belly(body: Body, grid: Grid) -> np.ndarray:
    """Give what the organs below the diaphragm add to the wall of the trunk."""
    below = _step(grid[1] - _diaphragm(body, grid[0]), 0.03)
    return 0.24 * below * _step(body.breadth * 1.02 - np.abs(grid[0]), 0.12)


def _trunk(body: Body, grid: Grid) -> np.ndarray:
    """Give the depth of the body, 0 to 1: neck, shoulders and chest wall."""
    x, y = grid
    rise = _step(y - body.shoulder + 0.24 - 0.22 * np.abs(x), 0.30)
    half = 0.24 + (body.girth * body.breadth + 0.16 * np.exp(-np.square((y + 0.35) / 0.3))) * rise
    inside = np.clip(1 - np.square(x / half), 0, 1)
    return np.power(inside, 0.30)


def _centre_edge(body: Body, grid: Grid) -> np.ndarray:
    """Give the distance into the shadow of heart and great vessels, negative outside it."""
    x, y = grid
    left, right, waist = body.heart
    swell = _step(y - waist - 0.10, 0.30)
    knob = body.knob * np.exp(-np.square((y + 0.28) / 0.10))
    to_left = body.mediastinum + knob + (left - body.mediastinum) * swell
    bulge = np.exp(-np.square((y - waist - 0.28) / 0.24))
    to_right = body.mediastinum * 0.85 + (right - 0.85 * body.mediastinum) * bulge
    return np.where(x > 0, to_left - x, to_right + x)


def _heart(body: Body, grid: Grid) -> np.ndarray:
    """Give the density of heart and great vessels: thicker inwards and towards the heart."""
    inside = _centre_edge(body, grid)
    thick = 0.18 + 0.12 * _step(grid[1] - body.heart[2], 0.4) + 0.25 * np.clip(inside, 0, 0.3)
    return thick * _step(inside, 0.05)


def _airway(body: Body, grid: Grid) -> np.ndarray:
    """Give the air in the trachea, which takes density away."""
    x, y = grid
    return -0.13 * np.exp(-np.square((x + 0.01) / body.trachea)) * _step(-0.22 - y, 0.12)


def _spine(body: Body, grid: Grid) -> np.ndarray:
    """Give the vertebrae, seen faintly through the mediastinum."""
    x, y = grid
    column = _step(0.075 - np.abs(x), 0.04)
    discs = 0.80 + 0.20 * np.cos(2 * np.pi * (y / body.rib_spacing + body.rib_phase))
    return 0.16 * column * discs


def _ribs(body: Body, grid: Grid) -> np.ndarray:
    """Give all ribs at once: behind they run outwards and down, in front inwards and down."""
    x, y = grid
    cage = _cage(body, y) + 0.02
    share = np.minimum(np.abs(x) / np.maximum(cage, 0.05), 1.0)
    behind = y - body.rib_slope * share + 0.42 * share**4 * body.rib_slope - 0.34 * share**6
    front = y + (body.rib_slope + 0.22) * share**1.5
    inside = _step(cage - np.abs(x), 0.03) * _step(y - body.apex, 0.06)
    low = _step(0.62 - y, 0.20)
    ribs = _band(behind / body.rib_spacing + body.rib_phase, 0.26) * _step(share - 0.10, 0.06)
    fore = _band(front / (body.rib_spacing * 1.25) + body.rib_phase, 0.24)
    fore = fore * _step(share - 0.42, 0.15) * _step(y + 0.45, 0.15)
    wall = np.exp(-np.square((cage - np.abs(x) - 0.02) / 0.025))
    return body.rib_density * inside * low * (ribs + 0.55 * fore + 0.6 * wall)


def _band(phase: np.ndarray, width: float) -> np.ndarray:
    """Give a band at every whole number of the phase, with denser rims as bone has."""
    away = np.abs(phase - np.rint(phase))
    body = _step(width - away, 0.12)
    return body * (0.75 + 0.45 * np.exp(-np.square((away - width * 0.85) / 0.06)))


def _clavicles(body: Body, grid: Grid) -> np.ndarray:
    x, y = grid
    out = np.abs(x)
    course = body.clavicle - 0.16 * (out - 0.08) + 0.05 * np.sin(out * 6.5)
    return (
        0.20
        * _step(0.032 - np.abs(y - course), 0.02)
        * _step(out - 0.08, 0.04)
        * _step(0.92 - out, 0.1)
    )


def _breasts(body: Body, grid: Grid) -> np.ndarray:
    x, y = grid
    return _blob((np.abs(x) - body.breadth * 0.58) / 0.30, (y - 0.32) / 0.26)


def _stomach(body: Body, grid: Grid) -> np.ndarray:
    if not body.bubble:
        return np.zeros_like(grid[0])
    x, y = grid[0] - 0.38 * body.breadth / 0.75, grid[1] - (body.base - 0.02 + body.left_drop)
    return 0.22 * _blob(x / (body.bubble * 1.5), y / body.bubble)


def _texture(size: int, seed: int) -> np.ndarray:
    """Give slow unevenness of tissue, about -1 to 1."""
    coarse = np.random.Generator(np.random.PCG64(seed)).standard_normal((9, 9))
    return _enlarge(coarse, size) * 0.6


def _enlarge(coarse: np.ndarray, size: int) -> np.ndarray:
    """Interpolate a few values to `(size, size)` float32, smoothly."""
    cells = coarse.shape[0] - 1
    place = np.linspace(0, cells, size, endpoint=False)
    low = place.astype(int)
    share = place - low
    share = share * share * (3 - 2 * share)
    weights = np.zeros((size, cells + 1))
    weights[np.arange(size), low] = 1 - share
    weights[np.arange(size), low + 1] = share
    return (weights @ coarse @ weights.T).astype(np.float32)


def _vessels(scene: Scene, lungs: np.ndarray) -> np.ndarray:
    """Give the branching vessels of both lungs: points scattered along curves, then blurred."""
    from scipy import ndimage

    rng = np.random.Generator(np.random.PCG64(scene.body.seed + 1))
    branches, points = 60, 120
    along = np.linspace(0, 1, points)[None, :]
    side = np.repeat((-1, 1), branches // 2)[:, None]
    angle = rng.uniform(-1.35, 1.45, (branches, 1))
    bend = rng.normal(0, 0.5, (branches, 1))
    reach = rng.uniform(0.22, 0.62, (branches, 1))
    course = angle + bend * along + 0.25 * np.sin(5 * along + rng.uniform(0, 6, (branches, 1)))
    x = side * (
        rng.uniform(0.10, 0.20, (branches, 1)) + np.cumsum(np.cos(course), 1) * reach / points
    )
    y = 0.02 + rng.normal(0, 0.09, (branches, 1)) + np.cumsum(np.sin(course), 1) * reach / points
    weight = np.square(1 - 0.8 * along) * rng.uniform(0.4, 1.0, (branches, 1)) * reach
    row, column = _pixels(scene, x, y)
    size = scene.size
    flat = np.bincount((row * size + column).ravel(), weight.ravel(), size * size)
    drawn = flat.reshape(size, size).astype(np.float32) * (size / 224)
    fine = ndimage.gaussian_filter(drawn, 0.006 * size)
    hilum = ndimage.gaussian_filter(drawn, 0.022 * size)
    return scene.body.markings * np.tanh(1.1 * fine + 0.7 * hilum) * 0.30 * lungs


def _pixels(scene: Scene, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give rows and columns of points of the body, kept within the image."""
    pose, size = scene.pose, scene.size
    cos, sin = np.cos(pose.angle) * pose.scale, np.sin(pose.angle) * pose.scale
    column = (cos * x - sin * y + pose.shift[0] + 1) * size / 2
    row = (sin * x + cos * y + pose.shift[1] + 1) * size / 2
    return np.clip(row, 0, size - 1).astype(int), np.clip(column, 0, size - 1).astype(int)


def _opacity(one: Opacity, body: Body, grid: Grid) -> np.ndarray:
    """Give one consolidation, 0 to its density: a soft ball with a ragged edge."""
    top, bottom = body.apex, body.base - body.dome
    centre_y = top + one.down * (bottom - top)
    inner, outer = body.mediastinum, float(_cage(body, np.array(centre_y)))
    centre_x = one.side * (inner + one.across * (outer - inner))
    x = (grid[0] - centre_x) / (one.radius * one.stretch)
    y = (grid[1] - centre_y) / (one.radius / one.stretch)
    size = x.shape[0]
    coarse = np.random.Generator(np.random.PCG64(one.seed)).standard_normal((17, 17))
    ragged = 1 + 0.35 * _enlarge(coarse, size)
    return (
        one.density
        * np.exp(-np.square(np.square(x) + np.square(y)) * 0.7)
        * np.clip(ragged, 0.3, 1.7)
    )
