"""A progress bar for work that takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Never, Self

from tqdm import tqdm

if TYPE_CHECKING:
    from types import TracebackType


class Bar:
    """A bar on standard error named ``title``; nothing where it is not ``shown``."""

    def __init__(self, title: str, *, shown: bool) -> None:
        self._title = title
        self._shown = shown
        self._bar: tqdm[Never] | None = None

    def update(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` is done."""
        if not self._shown:
            return
        if self._bar is None:
            self._bar = tqdm(total=total, desc=self._title, leave=False)
        self._bar.total = total
        self._bar.n = done
        self._bar.refresh()

    def __enter__(self) -> Self:
        """Begin; the bar appears at the first update."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the bar."""
        self.close()

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Bars:
    """One bar after another, each named when its work begins."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._what = ""
        self._bar = Bar("", shown=False)

    def update(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` is done of ``what``."""
        if what != self._what:
            self._bar.close()
            self._what, self._bar = what, Bar(f"Reading {what}", shown=self._shown)
        self._bar.update(done, total)

    def __enter__(self) -> Self:
        """Begin; a bar appears at the first update."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the bar."""
        self._bar.close()
