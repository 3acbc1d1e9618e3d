"""What every script shares: the chain, errors as one line, a question before sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from ape.cli import ConnectedProviderCommand

if TYPE_CHECKING:
    from collections.abc import Mapping

EXIT_BAD_INPUT = 2

yes_option = click.option("--yes", is_flag=True, help="Do not ask before sending.")


class ScriptCommand(ConnectedProviderCommand):
    """A command on the chain of ``--network`` that ends with ``error: <code>: <message>``.

    Exit code 2 means that the command stopped on purpose, before or at a transaction.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        from ape.exceptions import ApeException

        from gavelbook.chain.refusals import snake_case
        from gavelbook.errors import GavelbookError

        try:
            return super().invoke(ctx)
        except GavelbookError as error:
            code, message = error.code, error.message
        except ApeException as error:
            code, message = snake_case(type(error).__name__), str(error)
        click.echo(f"error: {code}: {message}", err=True)
        return ctx.exit(EXIT_BAD_INPUT)


def confirm(title: str, values: Mapping[str, object], *, yes: bool) -> None:
    """Print what is about to happen with every value, and ask; without a yes, stop."""
    click.echo(title)
    show(values)
    if not yes:
        click.confirm("Send?", abort=True)


def show(values: Mapping[str, object]) -> None:
    """Print names and values in two columns."""
    width = max((len(name) for name in values), default=0) + 2
    for name, value in values.items():
        click.echo(f"  {name:<{width}}{value}")
