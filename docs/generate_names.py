"""Write docs/names.md: everything that can be named, as the program lists it.

`python docs/generate_names.py` writes the page; `--check` exits with code 1 when it is stale. Only
what this project gives is listed, whatever else is installed.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import click
import lookups
import numpy as np
from generate_cli import VARIABLES
from generated import link, run, table, words

from zoo.base import cache, formats, patients
from zoo.base.pictures.picture_limits import EXTENSIONS
from zoo.base.recipe import PRESETS, Recipe
from zoo.base.registry import load_registry
from zoo.base.sources import SPLIT_NAMES
from zoo.base.strangers import is_own
from zoo.checks.findings import LEVELS as FINDING_LEVELS
from zoo.cli import GROUPS
from zoo.data import augmentation, baseline_inputs, catalogue
from zoo.data.stresses import LEVELS, STRESSES
from zoo.interpret.overview import marker
from zoo.interpret.overview.ready_concepts import READY
from zoo.interpret.overview.regions import REGIONS
from zoo.interpret.trust import verdict
from zoo.interpret.trust.localisation import Shares
from zoo.interpret.trust.stability import Stability
from zoo.network.engines.engine import ENGINES
from zoo.network.export_formats import FORMATS
from zoo.network.foreign import RANGES
from zoo.report.cases import casebook
from zoo.runs import causes, decision
from zoo.stats import alarms
from zoo.workflows.new_plugin import KINDS

EXIT_CODES = {
    "0": "done",
    "1": "what `zoo check`, `zoo doctor` or `zoo plugin check` found is an error; or a bug (with a "
    "traceback)",
    "2": "something you can mend (with a sentence)",
    "130": "stopped by Ctrl-C",
}
PAGE = Path(__file__).with_name("names.md")
INTRODUCTION = """\
# Everything with a name

What can be typed, asked for or met in a report, in one place. `python docs/generate_names.py`
writes this page from the program itself. `zoo list` shows what is installed on your machine,
plugins of others too.

> For research and teaching only. Not a medical device.
"""


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for title, more, make in SECTIONS:
        parts.append(f"## {title}\n\nMore: {', '.join(map(link, more))}\n\n{make()}")
    return "\n".join(parts)


def commands() -> str:
    """Return the commands by what they are for, and the functions of `import zoo`."""
    rows = [
        (f"`zoo {name}`", text, group.lower())
        for group, found in GROUPS.items()
        for name, text in found.items()
    ]
    called = ((f"`zoo.{name}`", told) for name, told in lookups.functions())
    return "\n".join(
        (
            table(("command", "what it does", "to"), rows),
            table(("function", "what it does"), called),
        )
    )


def choices() -> str:
    """Return the words that options of commands take."""
    taken: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for name, command in lookups.commands():
        for option in command.params:
            if isinstance(option.type, click.Choice):
                taken[max(option.opts, key=len), tuple(option.type.choices)].append(f"zoo {name}")
    rows = [(f"`{option}`", words(of), words(by)) for (option, of), by in taken.items()]
    return table(("option", "takes", "of"), rows)


def architectures() -> str:
    """Return the architectures; those of one paper that share a prefix stand in one row."""
    rows: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name, one in lookups.own_architectures().items():
        family = name.partition(":")[0] if ":" in name else name
        rows[family, one.reference, one.pretrained or "no"].append(name)
    lines = [(words(names), by, source) for (_, source, by), names in rows.items()]
    return table(("name", "pretrained", "source"), sorted(lines))


def settings() -> str:
    """Return what `--set` changes of a training; recipes may begin with other values."""
    rows = []
    for one in fields(Recipe):
        choices = lookups.taken(one.name) if isinstance(one.default, str) else ()
        rows.append((f"`{one.name}`", "trainings", f"`{one.default}`", words(choices)))
    of: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for name, given in lookups.own_architectures().items():
        for option, value in given.options.items():
            default = "" if value.default == "" else f"`{value.default}`"
            kind = f"{name.partition(':')[0]}:*" if ":" in name else name
            of[f"`{option}`", default, words(value.choices)].append(kind)
    rows += [(row[0], words(dict.fromkeys(by)), *row[1:]) for row, by in of.items()]
    told = "Most architectures begin with values of their own: `zoo show NAME`.\n\n"
    return told + table(("setting", "of", "by default", "takes"), rows)


def seen() -> str:
    """Return presets, augmentations and what a network may see."""
    rows = [
        ("presets", words(PRESETS)),
        ("augmentations", words(augmentation.PRESETS)),
        ("frames", words(lookups.taken("frame"))),
        ("pixels of an imported network", words(RANGES)),
    ]
    return table(("what", "names"), rows)


def readers() -> str:
    """Return the readers, with the options after the question mark of a source."""
    rows = [
        (f"`{name}`", lookups.first_line(module), words(options))
        for name, module, options in lookups.readers()
    ]
    splits: dict[str, list[str]] = defaultdict(list)
    for word, split in SPLIT_NAMES.items():
        splits[split].append(word)
    rules = [(f"`{name}`", lookups.first_line(find)) for name, find in patients.RULES.items()]
    return "\n".join(
        (
            table(("reader", "reads", "options"), rows),
            table(("part", "also called"), [(f"`{one}`", words(of)) for one, of in splits.items()]),
            table(("`?patients=`", "how patients are found"), rules),
        )
    )


def data_sets() -> str:
    """Return the sets that are fetched by name, and the tables that are known by their columns."""
    from plugins.readers.csv_table.published import LAYOUTS

    rows: dict[str, tuple[list[str], str, str]] = {}
    for name, one in catalogue.entries().items():
        base, _, size = name.rpartition("_")
        if size.isdigit() and base in rows:
            rows[base][0].append(name)
        else:
            rows[name] = [name], one.title.partition(", 28 x ")[0], one.licence
    lines = [(words(names), title, licence) for names, title, licence in rows.values()]
    lines.append((words([f"{catalogue.KAGGLE}OWNER/SET"]), "any set of Kaggle", "see its page"))
    known = [(one.title, words(one.columns)) for one in LAYOUTS]
    return "\n".join(
        (
            table(("`zoo data get`", "what it is", "licence"), lines),
            table(("table that is read as published", "known by its columns"), known),
        )
    )


def image_formats() -> str:
    """Return the kinds of image files."""
    rows = [("", words(sorted(EXTENSIONS)), "Common pictures, by Pillow.")]
    rows += [
        (f"`{one.name}`", words(one.extensions), one.summary)
        for one in formats.installed()
        if one.name in lookups.project()["entry-points"][formats.GROUP]
    ]
    return table(("format", "endings", "what is read"), rows)


def methods() -> str:
    """Return the methods of explanation, with their options."""
    registry = load_registry()
    rows = [
        (
            f"`{name}`",
            "yes" if one.default else "no",
            one.summary,
            words(f"{option}={given.default}" for option, given in one.options.items()),
        )
        for name, one in registry.explainers.items()
        if is_own(registry.origins[name])
    ]
    return table(("method", "by default", "shows", "options"), rows)


def verdicts() -> str:
    """Return what a verdict may be, the tests behind it, and what is asked of a whole data set."""
    levels = (verdict.HOLDS_UP, verdict.NOT_JUDGED, verdict.WEAK, verdict.DO_NOT_USE)
    tests: dict[str, None] = {}
    for error in verdict.ERRORS:  # a method tells one of them at most
        asked = verdict.Evidence(
            values=np.eye(2),
            details={error: 0.0, verdict.FIT: 1.0},
            stability=Stability(1.0, 1.0),
            shares=Shares(1.0, 0.5),
        )
        tests |= dict.fromkeys(row.name for row in verdict.judge_map(asked).rows)
    rows = [
        ("verdict on a map", words(levels)),
        ("tests of a map", words(tests)),
        ("parts that are hidden", words(REGIONS)),
        ("markers", words(f"{kind}, {at}" for kind in marker.KINDS for at in marker.CORNERS)),
        ("concepts", words(READY)),
    ]
    return table(("what", "names"), rows)


def changes() -> str:
    """Return the changes that another machine would make."""
    rows = [(f"`{name}`", *map(one.told, LEVELS)) for name, one in STRESSES.items()]
    return table(("change", *LEVELS), rows)


def signs() -> str:
    """Return what is said of a data set, a run and an answer."""
    rows = [
        ("findings", words(FINDING_LEVELS)),
        ("baselines", words((baseline_inputs.FILE, *baseline_inputs.TITLES))),
        ("alarms", words(lookups.kinds_made(alarms, "Alarm"))),
        ("causes of `zoo diagnose`", words(lookups.kinds_made(causes, "Cause"))),
        ("an image is refused as", words((decision.UNCERTAIN, decision.UNKNOWN))),
        ("and an unknown one is called", words((decision.SOMEWHAT, decision.VERY))),
    ]
    return table(("what", "names"), rows)


def outputs() -> str:
    """Return formats of networks and of reports, and what computes answers."""
    rows = [
        *(("`zoo export`", f"`{name}`", words(of.packages)) for name, of in FORMATS.items()),
        *(("`--engine`", f"`{name}`", words(of.packages)) for name, of in ENGINES.items()),
        *(("`zoo explain --format`", f"`{name}`", "") for name in casebook.FORMATS),
    ]
    return table(("of", "name", "needs, besides TensorFlow"), rows)


def additions() -> str:
    """Return what can be added: kinds of plugins, and extras of the package."""
    kinds = [
        (f"`{name}`", of.description, words([of.group.strip('"')])) for name, of in KINDS.items()
    ]
    extras = [
        (f"`xray-zoo[{name}]`", words(one.partition(">=")[0] for one in packages))
        for name, packages in lookups.project()["optional-dependencies"].items()
    ]
    return "\n".join(
        (
            table(("`zoo new-plugin --kind`", "what it is", "entry points"), kinds),
            table(("`pip install`", "brings"), extras),
        )
    )


def endings() -> str:
    """Return exit codes, errors, variables and what the cache holds."""
    told = [(f"`zoo.{one.__name__}`", lookups.first_line(one)) for one in lookups.user_errors()]
    return "\n".join(
        (
            table(("exit code", "meaning"), EXIT_CODES.items()),
            table(("error", "meaning"), told),
            table(("variable", "meaning"), [(f"`{n}`", text) for n, text in VARIABLES.items()]),
            table(("in the cache", "what"), [(f"`{n}`", text) for n, text in cache.KINDS.items()]),
        )
    )


SECTIONS: tuple[tuple[str, tuple[str, ...], Callable[[], str]], ...] = (
    ("Commands and functions", ("cli.md", "api.md"), commands),
    ("Words that options take", ("cli.md",), choices),
    ("Architectures", ("backbones.md", "results.md"), architectures),
    ("Settings of a training", ("training.md", "plugins.md#the-record"), settings),
    ("What a network sees", ("training.md", "data.md#augmentation", "frames.md"), seen),
    ("Readers of data", ("data.md#layouts", "data.md#behind-an-address"), readers),
    ("Data sets", ("data.md#sets-by-name", "data.md#published-sets"), data_sets),
    ("Image formats", ("data.md#images", "data.md#dicom"), image_formats),
    ("Explanation methods", ("explainers.md",), methods),
    ("Tests of maps and of runs", ("trust.md", "global.md"), verdicts),
    ("Changes that another machine would make", ("stress.md",), changes),
    ("Findings, alarms, causes, refusals", ("trust.md", "../README.md#alarms"), signs),
    ("Exports, engines, reports", ("export.md", "performance.md#prediction-engines"), outputs),
    ("Plugins and extras", ("plugins.md",), additions),
    ("Exit codes, errors, variables, cache", ("cli.md", "data.md#the-cache"), endings),
)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], PAGE, page, Path(__file__).name))
