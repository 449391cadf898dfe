"""The command `zoo`. Each command imports what it needs when it runs: TensorFlow takes seconds."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import Any, TypeGuard

import click
from click.shell_completion import CompletionItem

from zoo import DISCLAIMER, __version__
from zoo.base.errors import UnknownName, ZooError
from zoo.base.files import FULL, is_text, printable

GROUPS = {
    "Data": {
        "check": "look for mistakes in a data set before training on it",
        "data": "public data sets by name: list them, fetch one",
        "sample": "write images of a data set as PNG files",
    },
    "Train": {
        "list": "what the installed plugins give",
        "show": "an architecture or explanation method, with its settings",
        "train": "train an architecture and keep all that using it needs",
        "compare": "compare architectures or finished runs by paired tests",
        "tune": "search good settings, and tell whether they are more than chance",
        "learning-curve": "would more patients help?",
        "ensemble": "join finished runs to one",
        "import": "make a run of a network that was trained elsewhere",
    },
    "Judge": {
        "evaluate": "score a run, with intervals by patient",
        "stress": "score a run on images as another machine would make them",
        "diagnose": "what holds a run back, most serious first",
    },
    "Explain": {
        "explain": "what a run sees in images, and whether to believe it",
    },
    "Use": {
        "predict": "classify images",
        "app": "open the application in the browser",
        "serve": "answer over HTTP",
        "users": "who may ask a server, each with a password of their own",
        "export": "write the network for other programs",
    },
    "Extend": {
        "new-plugin": "write a package with a plugin, to begin with",
        "plugin": "check whether a plugin keeps what is promised",
    },
    "Keep house": {
        "runs": "the trainings that were made",
        "cache": "what is kept to save time: its sizes, and how to clear it",
        "doctor": "is everything here that is needed, and does it work?",
    },
}
"""The commands by what they are for, in the order that a newcomer meets them."""
MODULES = {"import": "import_network"}
"""Where the module of a command cannot be named as the command."""
COMMANDS = tuple(name for commands in GROUPS.values() for name in commands)
USER_ERROR = 2
INTERRUPTED = 130


class Commands(click.Group):
    """Commands found by name in their own modules, and user errors told in one piece."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands, group by group."""
        return [*COMMANDS]  # not list(): once imported, the module of that name hides it here

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands by group, without importing any of them."""
        width = max(map(len, COMMANDS))
        for group, commands in GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(f"{name:{width}}", text) for name, text in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands without importing any of them."""
        offered = [
            CompletionItem(name, help=text)
            for commands in GROUPS.values()
            for name, text in commands.items()
            if name.startswith(incomplete)
        ]
        return [*offered, *click.Command.shell_complete(self, ctx, incomplete)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module, or fail with the closest name."""
        if cmd_name not in COMMANDS:
            ctx.fail(str(UnknownName.among("command", cmd_name, COMMANDS)))
        module = MODULES.get(cmd_name, cmd_name.replace("-", "_"))
        return importlib.import_module(f"zoo.cli.{module}").command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what cannot be printed or written down: a name of bytes that are no text."""
        for given in args:
            if not is_text(given):
                ctx.fail(f"'{printable(given)}' is not UTF-8 text. Rename that file or folder.")
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what the user can mend is told without a traceback."""
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            if error.option_name == "--run" and _takes_a_run(error.ctx):  # as zoo explain does
                place = f"'{error.ctx.command_path} RUN'"
                told = f"Name the run itself, as in {place}."
                raise click.UsageError(told, error.ctx) from error
            raise
        except ZooError as error:
            click.echo(printable(f"Error: {error}"), err=True)
            ctx.exit(USER_ERROR)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            _close_output()
        except OSError as error:
            if error.filename is not None or error.errno not in FULL | {errno.EIO}:
                raise
            _close_output()
            click.echo(f"Error: The output cannot be written: {error.strerror}.", err=True)
            ctx.exit(USER_ERROR)


def _takes_a_run(context: click.Context | None) -> TypeGuard[click.Context]:
    """Tell whether the command has a run as its argument."""
    return context is not None and any(
        "RUN" in str(getattr(one, "metavar", None)) and isinstance(one, click.Argument)
        for one in context.command.params
    )


def _close_output() -> None:
    """Let what Python still wants to print at its end go nowhere, without another error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=DISCLAIMER,
)
@click.version_option(__version__, prog_name="xray-zoo")
def main() -> None:
    """Train, measure and explain classifiers of medical images, and learn whether to believe them.

    Without --data the images are synthetic: a generator of chest radiographs is built in.
    """


if "_ZOO_COMPLETE" in os.environ:  # the shell asks
    from zoo.cli import completion as completion
