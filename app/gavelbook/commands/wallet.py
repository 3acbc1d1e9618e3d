"""`gavelbook wallet`: the operator's words in an encrypted keystore, and the keys made of them."""

from __future__ import annotations

from pathlib import Path

import click

from gavelbook.commands.wallet_roles import export_command, rotate_command
from gavelbook.commands.wallet_source import KeystoreSource, passphrase_from
from gavelbook.commands.wallet_words import (
    confirm_words,
    on_a_terminal,
    read_words,
    require_terminal,
    show_words,
)
from gavelbook.wallet import (
    Role,
    WalletError,
    check_passphrase,
    default_path,
    fresh_words,
    refuse_words_in_environment,
)
from gavelbook.wallet.mnemonic import entropy_of
from gavelbook.wallet.roles import managed_index, path_of, role_index

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("wallet")
@click.option(
    "--keystore",
    "path",
    metavar="FILE",
    type=_FILE,
    help="Also GAVELBOOK_KEYSTORE.  [default: ~/.gavelbook/keystore.json]",
)
@click.option(
    "--passphrase-file",
    metavar="FILE",
    envvar="GAVELBOOK_KEYSTORE_PASSPHRASE_FILE",
    type=_FILE,
    help="Its first line is the passphrase; only you may be able to read it.  [default: ask]",
)
@click.pass_context
def wallet_command(ctx: click.Context, path: Path | None, passphrase_file: Path | None) -> None:
    """Keep the operator's keys: 24 words in an encrypted file, and what is derived from them.

    docs/keys.md has the table of paths and what each role may do.
    """
    refuse_words_in_environment()
    ctx.obj = KeystoreSource(path or default_path(), passphrase_file)


wallet_command.add_command(export_command)
wallet_command.add_command(rotate_command)


@wallet_command.command("init")
@click.option("--import", "imported", is_flag=True, help="Take 24 words you have already.")
@click.option(
    "--words/--no-words", "shown", default=None, help="Show fresh words once.  [default: ask]"
)
@click.pass_obj
def init_command(source: KeystoreSource, *, imported: bool, shown: bool | None) -> None:
    """Make a keystore. One that is there is never replaced.

    With --import the words are typed unseen, or come from standard input where that is a pipe.
    """
    source.keystore.refuse_existing()
    if shown:
        require_terminal()
    words = read_words() if imported else fresh_words()
    entropy_of(words)
    passphrase = source.passphrase(new=True)
    check_passphrase(passphrase)
    if not imported:
        if shown is None:
            question = "Show the 24 words now, once, to write them down?"
            shown = on_a_terminal() and click.confirm(question, default=True)
        if shown:
            show_words(words)
            confirm_words(words)
    wallet = source.keystore.create(words, passphrase)
    click.echo(f"Keystore {source.path}, wallet {wallet.fingerprint}.")
    if not imported and not shown:
        click.echo("The words are in it and nowhere else: `gavelbook wallet show --words`.")
    click.echo("Next: `gavelbook wallet export` gives each role an account of ape.")


@wallet_command.command("show")
@click.option("--words", "with_words", is_flag=True, help="Show the 24 words, on a terminal only.")
@click.pass_obj
def show_command(source: KeystoreSource, *, with_words: bool) -> None:
    """List roles with their paths and addresses; no secret."""
    if with_words:
        _show_words(source)
        return
    wallet = source.open()
    generations = source.keystore.generations()
    click.echo(f"Keystore {source.path}, wallet {wallet.fingerprint}.")
    for role in Role:
        generation = generations[role]
        path = path_of(role_index(role, generation))
        click.echo(f"{role:<10} {path:<22} {wallet.operator(role, generation).address}")
    click.echo(f"{'managed':<10} {path_of(managed_index(0))} and on, one for each account")


def _show_words(source: KeystoreSource) -> None:
    require_terminal()
    source.keystore.generations()
    words = source.keystore.words(source.passphrase())
    click.confirm("Whoever sees the words owns every key. Is nobody looking?", abort=True)
    show_words(words)


@wallet_command.command("address")
@click.argument("who", metavar="ROLE|NUMBER")
@click.pass_obj
def address_command(source: KeystoreSource, who: str) -> None:
    """Print the address of a role, or of managed account NUMBER (from 0)."""
    if who.isascii() and who.isdecimal():
        click.echo(source.open().managed(int(who[:20])).address)
        return
    if who not in list(Role):
        message = f"Expected one of {', '.join(Role)} or a number, was {who[:40]!r}"
        raise WalletError("role_unknown", message)
    generation = source.keystore.generations()[Role(who)]
    click.echo(source.open().operator(Role(who), generation).address)


@wallet_command.command("passphrase")
@click.option(
    "--new-passphrase-file",
    metavar="FILE",
    type=_FILE,
    help="Its first line is the new passphrase.  [default: ask]",
)
@click.pass_obj
def passphrase_command(source: KeystoreSource, new_passphrase_file: Path | None) -> None:
    """Change the passphrase. Copies of the file stay open to the last one: delete them."""
    source.keystore.generations()
    last = source.passphrase()
    new = passphrase_from(new_passphrase_file, "New passphrase of the keystore", new=True)
    source.keystore.change_passphrase(last, new)
    click.echo(f"Changed. Copies of {source.path} made before stay open to the last passphrase.")
