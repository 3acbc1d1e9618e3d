"""How the demo tells its story on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gavelbook.service.amounts import decimal_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.demo.attempts import Refusal

_DECIMALS = 18
_PERCENT_DIGITS = 2


def whole(units: int) -> str:
    """Return base units of a token of the demo in whole tokens, exact."""
    return decimal_text(units, _DECIMALS)


def percent(bps: int) -> str:
    """Return 1/10,000 in percent."""
    return f"{decimal_text(bps, _PERCENT_DIGITS)} %"


class Console:
    """Numbered steps with indented lines and tables."""

    def __init__(self) -> None:
        """Begin before the first step."""
        self._step = 0

    def title(self, text: str) -> None:
        """Print the title."""
        click.secho(text, bold=True)

    def step(self, text: str) -> None:
        """Begin the next step."""
        self._step += 1
        click.echo()
        click.secho(f"{self._step:>2}  {text}", bold=True)

    def line(self, text: str = "") -> None:
        """Print a line of this step."""
        click.echo(f"    {text}" if text else "")

    def refusals(self, refusals: Sequence[Refusal]) -> None:
        """Print what was refused and why."""
        for refusal in refusals:
            self.line(f"refused: {refusal.attempt}")
            self.line(f"  {click.style(refusal.code, fg='yellow')}  {refusal.message}")

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table, the first column left and the others right."""
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        for number, row in enumerate((header, *rows)):
            cells = [
                cell.ljust(width) if place == 0 else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            text = "  ".join(cells).rstrip()
            self.line(click.style(text, dim=True) if number == 0 else text)

    def verdict(self, text: str, *, good: bool) -> None:
        """Print whether something is right."""
        mark = click.style("yes", fg="green") if good else click.style("NO", fg="red")
        self.line(f"{mark}  {text}")
