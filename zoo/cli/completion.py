"""What the shell offers when Tab is pressed: names of what is installed and of what is kept.

A question of the shell is answered in a moment: no run is opened, no TensorFlow imported. What
fails gives nothing, since the shell would show an error in the middle of a line.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ZshComplete,
    add_completion_class,
)

Offered = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def names(*kinds: Callable[[click.Context], Iterable[str]], files: bool = False) -> Offered:
    """Return what offers the names of several kinds that begin as what was typed.

    With `files` the shell offers files and folders too. A run may be named by its folder: where a
    path is typed, the shell offers folders.
    """

    def offered(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
        known: list[str] = []
        for kind in kinds:
            with contextlib.suppress(Exception):
                known += kind(context)
        found = [CompletionItem(name) for name in dict.fromkeys(known) if name.startswith(typed)]
        if files:
            found.append(CompletionItem(typed, type="file"))
        elif runs in kinds and os.sep in typed:
            found.append(CompletionItem(typed, type="dir"))
        return found

    return offered


def architectures(_: click.Context) -> Iterable[str]:
    """Give the names of architectures."""
    from zoo.base.registry import load_registry

    return load_registry().architectures


def methods(_: click.Context) -> Iterable[str]:
    """Give the names of explanation methods."""
    from zoo.base.registry import load_registry

    return load_registry().explainers


def plugins(_: click.Context) -> Iterable[str]:
    """Give the names of architectures, methods and readers."""
    from zoo.base.registry import load_registry

    registry = load_registry()
    return [*registry.architectures, *registry.explainers, *registry.readers]


def runs(context: click.Context) -> Iterator[str]:
    """Give the names of runs, as the folders are called: none is opened."""
    from zoo.runs.record import RECORD

    return (path.parent.name for path in sorted(_root(context).glob(f"*/{RECORD}")))


def unfinished(context: click.Context) -> Iterator[str]:
    """Give the names of runs whose training was stopped."""
    from zoo.runs.run_folder import CHECKPOINT

    return (path.parent.name for path in sorted(_root(context).glob(f"*/{CHECKPOINT}")))


def removed(context: click.Context) -> Iterator[str]:
    """Give the names of runs in the trash."""
    from zoo.workflows.manage_runs import trash

    return (one.name for one in trash(_root(context)))


def sources(_: click.Context) -> Iterable[str]:
    """Give the data that are there without a file."""
    return ("phantom",)


def published(_: click.Context) -> Iterable[str]:
    """Give the public data sets by name."""
    from zoo.data.catalogue import entries

    return entries()


def kept(_: click.Context) -> Iterable[str]:
    """Give the kinds of what is kept to save time."""
    from zoo.base.cache import KINDS

    return KINDS


def _root(context: click.Context) -> Any:
    """Return the folder of the runs: that of --runs, here or before the command, or the usual."""
    from zoo.runs.run_folder import root

    above: click.Context | None = context
    while above is not None:
        if above.params.get("folder"):
            return root(above.params["folder"])
        above = above.parent
    return root()


class _Bash(BashComplete):
    """Bash takes 'keras:VGG16' for three words; here it is one again, and the rest is offered."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is typed, and that."""
        words, typed = super().get_completion_args()
        *before, last = _joined([*words, typed])
        value = last[len(_option(last)) :]
        self._before = value[: value.rfind(":") + 1]
        return before, last

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        """Return what is offered: files first, since they take away what was offered before.

        Names take files away in turn, so before anything is typed there are files alone.
        """
        items = super().get_completions(args, incomplete)
        files = [item for item in items if item.type != "plain"]
        if files and not incomplete:
            return files
        return files + [item for item in items if item.type == "plain"]

    def format_completion(self, item: CompletionItem) -> str:
        """Return one offer: without what bash will leave in place before the colon."""
        if item.type == "plain":
            item = CompletionItem(str(item.value).removeprefix(self._before))
        return super().format_completion(item)


class _Zsh(ZshComplete):
    """Zsh replaces the whole word, and files need to know where '--data=' ends."""

    source_template = ZshComplete.source_template.replace(
        "    for type key", "    compset -P '--[^=]#='\n\n    for type key"
    ).replace(" -U", "")


class _Fish(FishComplete):
    """Fish, in which a description may hold commas, and '--data=' stays before what is offered."""

    source_template = """\
function %(complete_func)s
    set -l word (commandline -ct)
    set -l option (string match -r -- '^--[^=]*=' $word; or echo)
    set -l line (commandline -cp | string collect)
    set -l asked %(complete_var)s=fish_complete COMP_WORDS=$line COMP_CWORD=$word
    for offered in (env $asked %(prog_name)s)
        set -l parts (string split -m 1 , -- $offered)
        switch $parts[1]
            case dir
                printf '%%s\\n' $option(__fish_complete_directories $parts[2])
            case file
                printf '%%s\\n' $option(__fish_complete_path $parts[2])
            case plain
                printf '%%s\\n' $option$parts[2]
        end
    end
end

complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


def _option(word: str) -> str:
    """Return '--data=' of '--data=phantom', else nothing."""
    name, equals, _ = word.partition("=")
    return name + equals if equals and name.startswith("--") else ""


def _joined(words: Sequence[str]) -> list[str]:
    """Join what bash has divided at colons, and at the '=' of an option."""
    joined: list[str] = []
    for word in words:
        if joined and (
            word == ":"
            or joined[-1].endswith(":")
            or (word == "=" and joined[-1].startswith("--"))
            or joined[-1] == _option(joined[-1]) != ""
        ):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


add_completion_class(_Bash, "bash")
add_completion_class(_Zsh, "zsh")
add_completion_class(_Fish, "fish")
