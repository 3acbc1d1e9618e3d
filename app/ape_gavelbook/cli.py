"""``ape toolchain``: install or check solc, anvil and the Solidity libraries."""

import click

from ape_gavelbook import toolchain


@click.group(name="toolchain", short_help="Install or check solc, anvil and Solidity libraries")
def cli() -> None:
    """Install or check the pinned solc, anvil and Solidity libraries."""


@cli.command()
@click.option("--npm-solc", is_flag=True, help="Do not try to download the native solc.")
def install(*, npm_solc: bool) -> None:
    """Install everything that package-lock.json pins, and a compiler."""
    try:
        toolchain.install(click.echo, native=not npm_solc)
    except toolchain.ToolchainError as error:
        raise click.ClickException(str(error)) from error


@cli.command()
def verify() -> None:
    """Run each tool and compare its version with the pinned one."""
    try:
        versions = toolchain.verify()
    except toolchain.ToolchainError as error:
        raise click.ClickException(str(error)) from error
    for tool, version in versions.items():
        click.echo(f"{tool:6} {version}")
