from __future__ import annotations

import json
import time

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.stats import norm, t

from zoo import BadInput, InvalidSetting
from zoo.stats.power_law import CURVE_POINTS, PowerLaw, extrapolate, fit_power_law

SIZES = np.array([50, 100, 200, 400, 800, 1600], float)
LAWS = [PowerLaw(0.03, 2.0, 0.5), PowerLaw(0.0, 0.8, 0.3), PowerLaw(0.05, 20.0, 1.0)]


def noisy(
    generator: np.random.Generator, law: PowerLaw, groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors with 10 % noise at each point and an error that a group's points share."""
    images, group = np.tile(SIZES, groups), np.repeat(np.arange(groups), len(SIZES))
    shared = generator.normal(0, 0.004, groups)[group]
    errors = law.at(images) * (1 + 0.1 * generator.normal(size=len(images))) + shared
    return images, np.abs(errors), group


def inside(entry: dict, truth: float) -> bool:
    return entry["low"] <= truth <= entry["high"]


@pytest.mark.parametrize("law", LAWS)
def test_a_law_without_noise_is_recovered(law):
    found = fit_power_law(list(SIZES), list(law.at(SIZES)))
    assert found.exponent == pytest.approx(law.exponent, abs=1e-4)
    assert found.limit == pytest.approx(law.limit, abs=1e-5)
    assert found.scale == pytest.approx(law.scale, rel=1e-3)
    assert found.at(6400) == pytest.approx(law.at(6400), rel=1e-4)


@pytest.mark.parametrize("law", LAWS)
def test_a_known_law_is_recovered_from_noisy_points(law):
    images, errors, _ = noisy(np.random.default_rng(1), law, 60)
    found = fit_power_law(images, errors)
    for size in (100, 1600, 3200):
        assert found.at(size) == pytest.approx(law.at(size), rel=0.06)


def test_no_other_start_finds_a_smaller_error():
    generator = np.random.default_rng(2)
    for _ in range(8):
        images, errors, _ = noisy(generator, LAWS[0], 2)
        found = fit_power_law(images, errors)

        def residuals(constants: np.ndarray) -> np.ndarray:
            limit, rest, exponent = constants
            return limit + rest * (images / 1600) ** -exponent - errors  # noqa: B023

        searched = [
            least_squares(residuals, start, bounds=([0, 0, 0], [1, 1, 2]), xtol=1e-12, ftol=1e-12)
            for start in ([0.01, 0.1, 0.2], [0.05, 0.05, 0.5], [0.1, 0.02, 1.5])
        ]
        best = 2 * min(result.cost for result in searched)
        assert np.sum((found.at(images) - errors) ** 2) <= best * (1 + 1e-6)


def test_two_sizes_give_a_law_without_limit():
    found = fit_power_law([100, 400], [0.2, 0.1])
    assert (found.limit, found.exponent) == (0, pytest.approx(0.5, abs=1e-4))
    assert found.at(1600) == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize("errors", [[0.1] * 6, [0.0] * 6, [0.1, 0.11, 0.12, 0.13, 0.14, 0.15]])
def test_errors_that_do_not_fall_give_a_constant(errors):
    found = fit_power_law(SIZES, errors)
    assert (found.scale, found.exponent) == (0, 0)
    assert found.limit == pytest.approx(np.mean(errors))
    rising = fit_power_law([100, 200], [0.1, 0.2])
    assert (rising.limit, rising.exponent, rising.at(800)) == (0, 0, pytest.approx(0.15))


@pytest.mark.parametrize("groups", [3, 8])
def test_intervals_cover_the_truth_in_most_simulations(groups):
    generator = np.random.default_rng(3)
    law, covered = LAWS[0], np.zeros(3)
    for _ in range(40):
        result = extrapolate(*noisy(generator, law, groups), resamples=60)
        gain = law.at(1600) - law.at(3200)
        covered += [
            inside(result["gain"], gain),
            inside(result["then"], law.at(3200)),
            inside(result["exponent"], law.exponent),
        ]
    # A simulation of 40 knows the coverage to 8 points (two standard errors); with 3 groups it is
    # nearer to 0.9.
    assert (covered >= 0.83 * 40).all()


def test_the_residuals_of_a_single_group_give_an_interval():
    generator = np.random.default_rng(4)
    law, covered, narrow = LAWS[0], 0, 0
    gain = law.at(1600) - law.at(3200)
    for _ in range(40):
        errors = law.at(SIZES) + generator.normal(0, 0.005, len(SIZES))
        result = extrapolate(SIZES, errors, ["only"] * len(SIZES), resamples=60)
        covered += inside(result["gain"], gain)
        narrow += result["now"]["high"] - result["now"]["low"] < 0.1
    assert covered >= 0.83 * 40
    assert narrow >= 0.9 * 40, "the interval says something"


def test_whole_groups_are_resampled():
    generator = np.random.default_rng(5)
    images, group = np.tile(SIZES, 20), np.repeat(np.arange(20), len(SIZES))
    errors = LAWS[0].at(images) + 0.02 + generator.normal(0, 0.01, 20)[group]
    errors += generator.normal(0, 0.001, len(errors))
    grouped = extrapolate(images, errors, group)
    apart = extrapolate(images, errors, np.arange(len(images)))

    def width(result: dict, name: str) -> float:
        return result[name]["high"] - result[name]["low"]

    # What all points of a group share moves the level, and not the gain.
    assert width(grouped, "now") > 1.1 * width(apart, "now")
    assert width(grouped, "gain") < 0.5 * width(apart, "gain")


def test_the_result_is_plain_data_and_fits_together():
    images, errors, group = noisy(np.random.default_rng(6), LAWS[0], 5)
    result = extrapolate(images, errors, group, factor=4)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result == extrapolate(images, errors, group, factor=4)
    law = fit_power_law(images, errors)
    assert result["images"] == 1600
    assert result["now"]["value"] == pytest.approx(law.at(1600))
    assert result["then"]["value"] == pytest.approx(law.at(6400))
    difference = result["now"]["value"] - result["then"]["value"]
    assert result["gain"]["value"] == pytest.approx(difference)
    assert result["exponent"]["value"] == pytest.approx(law.exponent)
    curve = result["curve"]
    assert (curve["images"][0], curve["images"][-1]) == pytest.approx((50, 6400))
    assert curve["error"][-1] == pytest.approx(law.at(6400))
    assert (curve["low"][-1], curve["high"][-1]) == (result["then"]["low"], result["then"]["high"])
    assert {len(values) for values in curve.values()} == {CURVE_POINTS}


def test_a_figure_lies_in_its_own_interval_when_the_resamples_lie_beside_it():
    sizes = np.repeat([50, 100, 400, 1600, 6400], [4, 2, 3, 4, 3])
    errors = [
        0.12,
        0.063,
        0.051,
        0.048,
        0.012,
        0.024,
        0.0011,
        0.0012,
        0.0019,
        0.00013,
        0.00011,
        0.000068,
        0.00028,
        0.0000082,
        0.0000038,
        0.000019,
    ]
    group = [0, 7, 7, 6, 5, 6, 0, 2, 4, 2, 3, 7, 3, 1, 7, 6]  # few of them saw the largest size
    found = extrapolate(sizes, errors, group, resamples=60)
    for name in ("now", "then", "gain", "exponent", "limit"):
        assert inside(found[name], found[name]["value"]), name
    curve = found["curve"]
    assert (np.array(curve["low"]) <= curve["error"]).all()
    assert (np.array(curve["error"]) <= curve["high"]).all()


def test_groups_that_agree_exactly_give_no_interval():
    images, group = np.tile(SIZES, 3), np.repeat(np.arange(3), len(SIZES))
    result = extrapolate(images, LAWS[0].at(images), group)
    assert result["gain"]["low"] is None
    assert result["gain"]["value"] == pytest.approx(LAWS[0].at(1600) - LAWS[0].at(3200), rel=1e-3)


def test_resamples_without_two_sizes_are_left_out():
    # Each group holds one size: some resamples draw one group only.
    result = extrapolate([100, 400, 1600], [0.2, 0.1, 0.06], ["a", "b", "c"])
    json.dumps(result, allow_nan=False)
    assert result["gain"]["low"] is not None
    # Of two groups only both together give a law, and always the same one.
    alone = extrapolate([100, 400], [0.2, 0.1], ["a", "b"])
    assert alone["gain"]["value"] > 0
    assert alone["gain"]["low"] is None


def test_five_hundred_resamples_in_five_seconds():
    images, errors, group = noisy(np.random.default_rng(7), LAWS[0], 10)
    started = time.process_time()  # of this process: others may keep the machine busy
    extrapolate(images, errors, group)
    assert time.process_time() - started < 5


def test_refuses_what_no_law_can_be_fitted_to():
    with pytest.raises(BadInput, match="at least two training-set sizes; received 1"):
        fit_power_law([100, 100], [0.1, 0.2])
    with pytest.raises(BadInput, match="size is not above 0"):
        fit_power_law([0, 100], [0.1, 0.2])
    for wrong in (-0.1, float("nan")):
        with pytest.raises(BadInput, match="negative or not a number"):
            fit_power_law([50, 100], [0.1, wrong])
    with pytest.raises(ValueError, match="do not fit"):
        fit_power_law([50, 100], [0.1])
    with pytest.raises(ValueError, match="groups for 2 points"):
        extrapolate([50, 100], [0.2, 0.1], ["a"])
    for factor in (1, 0.5, float("nan"), float("inf")):
        with pytest.raises(InvalidSetting, match="more than 1"):
            extrapolate([50, 100], [0.2, 0.1], ["a", "a"], factor=factor)


@pytest.mark.parametrize("groups", [2, 3])
def test_the_interval_of_few_groups_is_students(groups) -> None:
    """More than 2.5 % of the resamples hold one group alone: the ends are the outermost groups."""
    law, apart = PowerLaw(0.2, 2.0, 0.5), 0.01
    images, group = np.tile(SIZES, groups), np.repeat(np.arange(groups), len(SIZES))
    errors = law.at(images) + np.linspace(-apart, apart, groups)[group]
    found = extrapolate(images, errors, group, resamples=1000)
    wider = t.ppf(0.975, groups - 1) / norm.ppf(0.975) * np.sqrt(groups / (groups - 1))
    for name, images_there in (("now", 1600), ("then", 3200)):
        value = law.at(images_there)
        assert found[name]["value"] == pytest.approx(value, rel=1e-4), name
        assert found[name]["low"] == pytest.approx(value - apart * wider, rel=1e-3), name
        assert found[name]["high"] == pytest.approx(value + apart * wider, rel=1e-3), name


def test_ends_stay_where_the_law_can_be() -> None:
    images, group = np.tile(SIZES, 2), np.repeat([0, 1], len(SIZES))
    steep = [PowerLaw(0.0, 5000.0, 1.9), PowerLaw(0.0, 50.0, 1.0)]
    errors = np.concatenate([law.at(SIZES) for law in steep])
    found = extrapolate(images, errors, group)
    assert found["exponent"]["high"] == 2
    assert min(found["curve"]["low"]) == 0
    without_limit = extrapolate(*noisy(np.random.default_rng(1), LAWS[1], 3), resamples=60)
    assert without_limit["limit"]["low"] == 0 < without_limit["limit"]["high"]


def test_the_residuals_are_centred_and_scaled() -> None:
    """The spread of a single group's law is that of fits to errors redrawn by hand."""
    law, generator = PowerLaw(0.1, 2.0, 0.5), np.random.default_rng(8)
    errors = law.at(SIZES) + generator.normal(0, 0.01, len(SIZES))
    found = extrapolate(SIZES, errors, ["only"] * len(SIZES), resamples=120, seed=2)
    fitted = fit_power_law(SIZES, errors)
    residuals = errors - fitted.at(SIZES)
    free = len(SIZES) - 3
    residuals = (residuals - residuals.mean()) * np.sqrt(len(SIZES) / free)
    drawn = np.random.default_rng(2).integers(0, len(SIZES), (120, len(SIZES)))
    again = [fit_power_law(SIZES, fitted.at(SIZES) + residuals[rows]).at(1600) for rows in drawn]
    widening = t.ppf(0.975, free) / norm.ppf(0.975)
    low, high = (
        found["now"]["value"] + widening * (end - np.median(again))
        for end in np.quantile(again, [0.025, 0.975])
    )
    assert (found["now"]["low"], found["now"]["high"]) == pytest.approx((low, high), rel=1e-9)


def test_three_sizes_are_enough_for_a_limit_and_two_are_not() -> None:
    law = PowerLaw(0.1, 2.0, 0.5)
    sizes = np.array([100, 400, 1600])
    assert fit_power_law(sizes, law.at(sizes)).limit == pytest.approx(0.1, abs=1e-3)
    again = np.repeat(sizes[:2], 2)  # four points, but two sizes
    assert fit_power_law(again, law.at(again)).limit == 0


def test_the_exponent_is_found_from_nought_to_two() -> None:
    for exponent in (0.07, 1.0, 1.97, 2.0):
        law = PowerLaw(0.05, 100.0**exponent, exponent)
        assert fit_power_law(SIZES, law.at(SIZES)).exponent == pytest.approx(exponent, abs=1e-3)
    steeper = PowerLaw(0.05, 100.0**3, 3)
    assert fit_power_law(SIZES, steeper.at(SIZES)).exponent == 2


def test_the_factor_is_two_and_the_resamples_are_drawn_by_the_seed() -> None:
    images, errors, group = noisy(np.random.default_rng(9), LAWS[0], 5)
    found = extrapolate(images, errors, group, resamples=30)
    assert found["curve"]["images"][-1] == pytest.approx(3200)
    ratios = np.divide(found["curve"]["images"][1:], found["curve"]["images"][:-1])
    assert ratios == pytest.approx(ratios[0]), "evenly on a logarithmic axis"
    assert found == extrapolate(images, errors, group, resamples=30, seed=0)
    other = extrapolate(images, errors, group, resamples=30, seed=1)
    assert other["gain"]["value"] == found["gain"]["value"]
    assert other["gain"]["low"] != found["gain"]["low"]
