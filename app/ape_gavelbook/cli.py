"""``ape toolchain``: install or check solc, anvil and the Solidity libraries."""

import click

from ape_gavelbook import npm, toolchain


@click.group(name="toolchain", short_help="Install or check solc, anvil and Solidity libraries")
def cli() -> None:
    """Install or check the pinned solc, anvil and Solidity libraries."""


@cli.command()
@click.option("--npm-solc", is_flag=True, help="Do not try to download the native solc.")
def install(*, npm_solc: bool) -> None:
    """Install everything that package-lock.json pins, and a compiler.

    A machine for which there is no anvil is told so, and goes on without.
    """
    try:
        toolchain.install(click.echo, native=not npm_solc)
        click.echo(f"solc   {toolchain.solc_version()}")
    except (npm.NpmError, toolchain.ToolchainError) as error:
        raise click.ClickException(str(error)) from error
    try:
        click.echo(f"anvil  {toolchain.anvil_version()}")
    except toolchain.ToolchainError as error:
        click.echo(f"Warning: no anvil. {error}", err=True)


@cli.command()
def verify() -> None:
    """Run each tool and compare its version with the pinned one."""
    try:
        click.echo(f"solc   {toolchain.solc_version()}")
        click.echo(f"anvil  {toolchain.anvil_version()}")
    except toolchain.ToolchainError as error:
        raise click.ClickException(str(error)) from error
