"""`gavelbook signer`: the process that holds the keys of managed accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gavelbook.commands.terminal import ask_passphrase, end_on_sigterm

if TYPE_CHECKING:
    from pathlib import Path

    from gavelbook.accounts.settings import SignerSettings


@click.command("signer")
def signer_command() -> None:
    """Sign and send for managed accounts, for web processes of this machine.

    Opens the keystore of `gavelbook wallet`; nothing else has to. Set it up by environment
    variables, GAVELBOOK_SIGNER_<NAME>: see docs/accounts.md. May be killed and started again at
    any time: what was signed is followed until it is in a block, and nothing is sent twice.
    """
    from gavelbook.accounts.service import SignerService
    from gavelbook.accounts.serving import serve
    from gavelbook.chain.connection import connect
    from gavelbook.service.logs import log_to_stderr
    from gavelbook.wallet import Keystore, Role, default_path

    log_to_stderr()
    end_on_sigterm()
    settings = _settings()
    keystore = Keystore(settings.keystore or default_path())
    # What needs no passphrase is refused before one is asked for.
    gas_generation = keystore.generations()[Role.GAS]
    web3 = connect(settings.rpc_url)
    wallet = keystore.open(_passphrase(settings, keystore.path))
    gas_key = wallet.operator(Role.GAS, gas_generation)
    with SignerService(settings, web3, wallet, gas_key) as service:
        serve(service, lambda port: click.echo(f"signing on {settings.host}:{port}"))


def _settings() -> SignerSettings:
    from pydantic import ValidationError

    from gavelbook.accounts.settings import SignerSettings
    from gavelbook.errors import GavelbookError

    try:
        return SignerSettings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(each) for each in first["loc"]).upper()
        message = f"Expected GAVELBOOK_SIGNER_{name} otherwise: {first['msg']}"
        raise GavelbookError("settings_malformed", message) from None


def _passphrase(settings: SignerSettings, keystore: Path) -> str:
    from gavelbook.wallet import read_passphrase

    if settings.passphrase_file is not None:
        return read_passphrase(settings.passphrase_file)
    if settings.passphrase is not None:
        return settings.passphrase.get_secret_value()
    return ask_passphrase(str(keystore))
