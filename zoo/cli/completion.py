"""What the shell offers when Tab is pressed: names of what is installed and of what is kept.

A question of the shell is answered in a moment: no run is opened, no TensorFlow imported. What
fails gives nothing, since the shell would show an error in the middle of a line.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, add_completion_class

Offered = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
FILES = CompletionItem("", type="file")
"""Tells the shell to offer files and folders itself."""


def names(*kinds: Callable[[click.Context], Iterable[str]], files: bool = False) -> Offered:
    """Return what offers the names of several kinds that begin as what was typed.

    With `files` the shell offers files where no name does. Bash takes those alone that come last,
    so before anything is typed it is only told of files.
    """

    def offered(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem]:
        if files and not typed:
            return [FILES]
        known: list[str] = []
        for kind in kinds:
            with contextlib.suppress(Exception):
                known += kind(context)
        found = [CompletionItem(name) for name in dict.fromkeys(known) if name.startswith(typed)]
        return [FILES, *found] if files else found

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
        self._before = last[: last.rfind(":") + 1]
        return before, last

    def format_completion(self, item: CompletionItem) -> str:
        """Return one offer: without what bash will leave in place before the colon."""
        if item.type == "plain":
            item = CompletionItem(str(item.value).removeprefix(self._before))
        return super().format_completion(item)


def _joined(words: Sequence[str]) -> list[str]:
    """Join what bash has divided at colons."""
    joined: list[str] = []
    for word in words:
        if joined and (word == ":" or joined[-1].endswith(":")):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


add_completion_class(_Bash, "bash")
