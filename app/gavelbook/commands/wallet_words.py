"""The 24 words on a terminal: shown, asked back, read."""

from __future__ import annotations

import secrets

import click

from gavelbook.wallet import WalletError

_COLUMNS = 4
_ASKED_BACK = 3
# The terminal's second screen: what is written there is not in the scroll-back afterwards.
_SECOND_SCREEN, _FIRST_SCREEN = "\x1b[?1049h\x1b[H", "\x1b[?1049l"


def on_a_terminal() -> bool:
    """Return whether a person reads and answers."""
    streams = (click.get_text_stream("stdin"), click.get_text_stream("stdout"))
    return all(stream.isatty() for stream in streams)


def require_terminal() -> None:
    """Refuse to show words to a file or a pipe.

    Raises:
        WalletError: ``terminal_required``.

    """
    if not on_a_terminal():
        message = "Expected a terminal to show the words on, was a file or a pipe"
        raise WalletError("terminal_required", message)


def show_words(words: str) -> None:
    """Show ``words`` until Enter is pressed, and leave no trace on the screen.

    Raises:
        WalletError: ``terminal_required``.

    """
    require_terminal()
    numbered = [f"{number:>2}. {word:<10}" for number, word in enumerate(words.split(), 1)]
    rows = [numbered[at : at + _COLUMNS] for at in range(0, len(numbered), _COLUMNS)]
    click.echo(_SECOND_SCREEN, nl=False)
    try:
        click.echo("On paper, in this order. Whoever has these words owns every key.\n")
        for row in rows:
            click.echo("  ".join(row))
        click.prompt(
            "\nPress Enter when they are written down",
            default="",
            show_default=False,
            prompt_suffix=" ",
        )
    finally:
        click.echo(_FIRST_SCREEN, nl=False)


def confirm_words(words: str) -> None:
    """Ask some of ``words`` back.

    Raises:
        WalletError: ``words_unconfirmed``.

    """
    listed = words.split()
    for place in sorted(secrets.SystemRandom().sample(range(len(listed)), _ASKED_BACK)):
        answer = click.prompt(f"Word {place + 1}", hide_input=True)
        if answer.strip().lower() != listed[place]:
            message = f"Expected word {place + 1} as it was shown, was another; nothing was kept"
            raise WalletError("words_unconfirmed", message)


def read_words() -> str:
    """Return the words that a person types unseen, or the first line of a pipe."""
    stdin = click.get_text_stream("stdin")
    if stdin.isatty():
        typed: str = click.prompt("The 24 words, separated by spaces", hide_input=True)
        return typed
    return stdin.readline()
