"""`gavelbook wallet export` and `rotate`: the operator's roles as accounts of ape."""

from __future__ import annotations

import os
import re
from typing import Any

import click

from gavelbook.chain.keystore import passphrase_variable
from gavelbook.commands.wallet_source import KeystoreSource, passphrase_from
from gavelbook.wallet import Role
from gavelbook.wallet.operator_accounts import OperatorAccount

_ROLE = click.Choice([role.value for role in Role])
# ape reads the passphrase of an account from an environment variable that its alias is part of.
_PREFIX = re.compile(r"[A-Za-z0-9_]{0,40}")

_NEXT_STEPS = {
    Role.DEPLOYER: (
        "Send it ether. An exchange that the last key owns: transferOwnership({address}) from the "
        "last key, then acceptOwnership() from this one. Sales and factories have no owner."
    ),
    Role.ALLOCATOR: (
        "Sales name their allocator for ever: keep {kept} until those of the last key are cleared. "
        "Put {address} into the terms of new sales and run `gavelbook allocator` with {alias}."
    ),
    Role.MATCHER: (
        "The exchange's owner calls proposeMatcher({address}), waits the exchange's keyDelay and "
        "calls acceptMatcher(). Until then `gavelbook serve --matcher {kept}`, afterwards "
        "`--matcher {alias}`. If the last key was stolen: revokeMatcher() first."
    ),
    Role.RELAYER: (
        "Send it ether. When nothing of {kept} is pending, restart `gavelbook serve` with "
        "--relayer {alias}, and move the ether that {kept} still has."
    ),
    Role.SWEEPER: "Send it ether, restart what sweeps, and move the ether that {kept} still has.",
    Role.GAS: (
        "Send it ether, restart `gavelbook signer`, and move the ether that {kept} still has."
    ),
}


def _check_prefix(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not _PREFIX.fullmatch(value):
        raise click.BadParameter("letters, digits and _ only, at most 40")
    return value


def _prefix_option(command: Any) -> Any:
    return click.option(
        "--prefix",
        metavar="TEXT",
        default="",
        callback=_check_prefix,
        help="Put before the role to make the alias.  [default: nothing]",
    )(command)


@click.command("export")
@click.argument("roles", metavar="[ROLE]...", nargs=-1, type=_ROLE)
@_prefix_option
@click.pass_obj
def export_command(source: KeystoreSource, roles: tuple[str, ...], prefix: str) -> None:
    """Give roles (all unless named) accounts of ape, each with a passphrase of its own.

    The passphrase is asked for, or taken from APE_ACCOUNTS_<alias>_PASSPHRASE as ape does. An
    account of ape that is there is left alone.
    """
    wallet = source.open()
    generations = source.keystore.generations()
    for role in dict.fromkeys(Role(name) for name in roles or Role):
        account = wallet.operator(role, generations[role])
        exported = OperatorAccount(role, prefix + role)
        if exported.is_exported(account):
            click.echo(f"{exported.alias:<12} {account.address}  was there already")
            continue
        exported.export(account, _account_passphrase(exported.alias))
        click.echo(f"{exported.alias:<12} {account.address}  written")


@click.command("rotate")
@click.argument("role_name", metavar="ROLE", type=_ROLE)
@_prefix_option
@click.pass_obj
def rotate_command(source: KeystoreSource, role_name: str, prefix: str) -> None:
    """Put the next key of ROLE in the place of its last; the last stays under another alias.

    Nothing changes on the chain: what is to be done there is printed.
    """
    role = Role(role_name)
    wallet = source.open()
    account = OperatorAccount(role, prefix + role)
    kept = account.rotate(wallet, source.keystore, _account_passphrase(account.alias))
    generation = source.keystore.generations()[role]
    address = wallet.operator(role, generation).address
    last = "the last key" if kept is None else kept
    click.echo(f"{account.alias} is {address} now, key {generation} of its role (from 0).")
    if kept is not None:
        variable = passphrase_variable(kept)
        click.echo(f"The last key is {kept}; its passphrase is unchanged, {variable} if set.")
    steps = _NEXT_STEPS[role].format(address=address, alias=account.alias, kept=last)
    click.echo(f"Next: {steps}")


def _account_passphrase(alias: str) -> str:
    found = os.environ.get(passphrase_variable(alias))
    if found is not None:
        return found
    return passphrase_from(None, f"New passphrase for the account {alias}", new=True)
