"""What waits for an answer: commands that came together, and whom to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gavelbook.errors import GavelbookError
    from gavelbook.exchange.commands import Command
    from gavelbook.service.exchange.entries import Applied

    Answer = Applied | GavelbookError
    Deliver = Callable[[Sequence[Answer]], None]


class Parcel:
    """Commands that are answered together, in their order.

    In place of a command that was refused on its way there is the reason, which is its answer.
    """

    __slots__ = ("commands", "deliver")

    def __init__(self, commands: Sequence[Command | GavelbookError], deliver: Deliver) -> None:
        self.commands = commands
        self.deliver = deliver
