"""The command line: `gavelbook COMMAND`. Each command lives in its own module, loaded when used."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import click

from gavelbook import __version__
from gavelbook.errors import GavelbookError

EXIT_BAD_INPUT = 2


class _Entry(NamedTuple):
    module: str
    attribute: str
    help: str


COMMANDS = {
    "allocate": _Entry(
        "gavelbook.commands.allocate", "allocate_command", "Allocate a bid file under given terms."
    ),
    "allocator": _Entry(
        "gavelbook.commands.allocator", "allocator_command", "Clear a sale when it closes."
    ),
    "audit": _Entry(
        "gavelbook.commands.audit_exchange",
        "audit_exchange_command",
        "Replay an exchange's public log and say yes or no.",
    ),
    "audit-sale": _Entry(
        "gavelbook.commands.audit_sale", "audit_sale_command", "Recompute a sale and say yes or no."
    ),
    "bot": _Entry("gavelbook.commands.bot", "bot_command", "Trade with an example bot."),
    "pages": _Entry("gavelbook.commands.pages", "pages_command", "Serve the pages."),
    "serve": _Entry(
        "gavelbook.commands.serve", "serve_command", "Serve an exchange: API, matcher, settler."
    ),
    "signer": _Entry(
        "gavelbook.commands.signer", "signer_command", "Hold the keys of managed accounts."
    ),
    "wallet": _Entry(
        "gavelbook.commands.wallet", "wallet_command", "Keep the operator's keys, encrypted."
    ),
}
"""Command names, where each command is, and its line in the overview."""


class LazyGroup(click.Group):
    """A group that imports a command when it is run, so that one does not wait for the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command ``cmd_name``; None where there is none."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(import_module(entry.module), entry.attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview from the table, without importing a command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in sorted(COMMANDS)])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; show an error of ours as one line and exit with code 2."""
        try:
            return super().invoke(ctx)
        except GavelbookError as error:
            click.echo(f"error: {error.code}: {error.message}", err=True)
            ctx.exit(EXIT_BAD_INPUT)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gavelbook")
def main() -> None:
    """Sell a token by auction, then trade it: allocate, serve, audit."""
