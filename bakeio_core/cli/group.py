"""The command `bakeio`: its global options, its own commands and those of plugins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bakeio_core.cli.process.interrupts import Interrupts
from bakeio_core.cli.process.streams import ReaderGone
from bakeio_core.cli.session import Session
from bakeio_core.version import VERSION

COMMANDS = "bakeio.commands"
OWN = "bakeio"
"""The distribution whose commands cost nothing to import."""
WHOLE_SENTENCE = 200
"""Characters of what the list of commands says of one: its first sentence, not cut off."""
MEANT = {
    "export": "export-complete writes everything, export-view one view",
    "backup": "export-complete writes everything",
    "dump": "export-complete writes everything",
    "save": "export-complete writes everything",
    "restore": "import-complete reads what export-complete wrote",
    "load": "import reads any file of bakeio",
    "check": "validate-export checks a set, import --dry-run any file",
    "validate": "validate-export checks a set",
    "verify": "validate-export checks a set",
    "create": "init makes the tables",
    "history": "runs lists the imports, why tells of one row",
    "list": "entities, views, plugins and runs are lists",
    "version": "bakeio --version shows it",
}
"""What people type who do not know the commands yet: {word: what they look for}."""


class Commands(click.Group):
    """The commands of bakeio and those of plugins; `-` and `_` in their names are one.

    Plugins declare theirs as entry points of `bakeio.commands`; they are loaded only when called.
    """

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(context), *plugin_commands()})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a command, None where there is none of that name."""
        name = name.replace("_", "-")
        known = super().get_command(context, name)
        if known is None and name in (found := plugin_commands()):
            try:
                known = found[name].load()
            except Exception as error:
                what = f"{type(error).__name__}: {error}"
                raise click.ClickException(
                    f"the command {name} of a plugin cannot be loaded: {what}"
                ) from None
        return known

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command words begin with; where there is none, say which package brings it."""
        try:
            return super().resolve_command(context, words)
        except click.UsageError as error:
            if words[0] in MEANT:
                said = f"No such command '{words[0]}': {MEANT[words[0]]}"
                raise click.UsageError(said, context) from None
            from bakeio_core.catalog.plugins.packages import for_command

            hint = for_command(words[0])
            if not hint:
                raise
            raise click.UsageError(error.format_message().rstrip(".") + hint, context) from None

    def invoke(self, context: click.Context) -> Any:
        """Carry out a command; where one of a plugin fails in no way of bakeio's, name it."""
        try:
            return super().invoke(context)
        except click.NoSuchOption as error:
            raise self._misplaced(error, context) from None
        except BrokenPipeError as error:
            raise ReaderGone from error
        except (OSError, click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            from bakeio_core.errors import BakeioError

            name = (context.invoked_subcommand or "").replace("_", "-")
            of_bakeio = isinstance(error, BakeioError) or name in self.commands
            if of_bakeio or name not in (found := plugin_commands()):
                raise
            raise _failed(found[name], error) from error

    def _misplaced(self, error: click.NoSuchOption, context: click.Context) -> click.UsageError:
        """Say where an option stands that is one of all commands, not of this one."""
        for option in self.params:
            if error.option_name in option.opts and isinstance(option, click.Option):
                value = "" if option.is_flag else f" {option.metavar}"
                command = (context.invoked_subcommand or "").replace("_", "-")
                example = f"bakeio {error.option_name}{value} {command}"
                said = f"{error.option_name} goes before the command: {example} ..."
                return click.UsageError(said, error.ctx)
        return error

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List plugin commands; those of other distributions are not imported for that."""
        from bakeio_core.catalog.plugins.packages import about

        plugins = {}
        for name, entry in plugin_commands().items():
            owner = about(entry.dist)[0] if entry.dist else ""
            command = self.get_command(context, name) if owner == OWN else None
            plugins[name] = f"Of {owner}: bakeio {name} --help"
            if command is not None:
                plugins[name] = command.get_short_help_str(WHOLE_SENTENCE)
        own = {name: c.get_short_help_str(WHOLE_SENTENCE) for name, c in self.commands.items()}
        with formatter.section("Commands"):
            formatter.write_dl(sorted({**plugins, **own}.items()))


def _failed(entry: Any, error: Exception) -> Exception:
    """Return what tells a person that the command of a plugin failed, and whose it is."""
    from bakeio_core.errors import PluginError, describe

    owner = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
    return PluginError(
        f"the command {entry.name}{owner} failed: {describe(error)}. "
        "That is a fault of the package: update it, or tell those who make it"
    )


def plugin_commands() -> dict[str, Any]:
    """Return the commands of plugins: {name: entry point}."""
    from importlib_metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=COMMANDS)}


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--database",
    "-d",
    envvar="BAKEIO_DATABASE",
    metavar="URL|PATH",
    help="The database: a path of an SQLite file, or a URL such as postgresql://user@host/name. "
    "Also from BAKEIO_DATABASE, else what the profile says, else bakeio.db.",
)
@click.option(
    "--profile",
    envvar="BAKEIO_PROFILE",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file that says which plugins are used. Also from BAKEIO_PROFILE, else bakeio.toml "
    "beside the database's file, else in the current folder.",
)
@click.option(
    "--block",
    multiple=True,
    metavar="PLUGIN",
    help="Leave out a plugin, or all plugins of a distribution; may be given more than once.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print only errors on stderr.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0, max=86_400),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait while another program is writing; 0 does not wait.",
)
@click.option(
    "--trace-plugins", is_flag=True, help="Print each call of a plugin with its time, on stderr."
)
@click.version_option(VERSION, prog_name="bakeio")
@click.pass_context
def bakeio(
    context: click.Context,
    database: str | None,
    profile: Path | None,
    block: tuple[str, ...],
    quiet: bool,
    wait: float,
    trace_plugins: bool,
) -> None:
    """Export a bakery's data as files, and import edited files without losing anything."""
    interrupts = context.obj
    context.obj = Session(database, block, quiet, wait, profile)
    if isinstance(interrupts, Interrupts):
        context.obj.interrupts = interrupts
    context.with_resource(context.obj.talking())
    if trace_plugins:
        from bakeio_core.cli.process.log import tracing

        context.with_resource(tracing())
