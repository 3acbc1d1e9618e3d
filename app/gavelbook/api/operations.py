"""What an operation of the API is: one declaration for who answers it and for the document."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gavelbook.errors import GavelbookError

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Awaitable, Callable

    import msgspec

    from gavelbook.api.desk import Desk

    Handler = Callable[["Desk", "Call"], Awaitable[Any]]
    Finisher = Callable[["Desk", "Call", Future[Any]], Any]

Bucket = Literal["reads", "orders", "cancels", "sign-ins"]
Access = Literal["public", "session", "either", "operator"]
"""Who may call: anybody, holders of a session, anybody with or without one, or the operator."""


class Call:
    """One request, decoded."""

    __slots__ = ("account", "address", "body", "left", "path", "query", "token")

    def __init__(self, address: str) -> None:
        self.address = address
        """Who asks, as the rate limits know it."""
        self.account: bytes | None = None
        """The account of the session, if there is one."""
        self.left = 0
        """What the rate limit leaves the address."""
        self.token: str | None = None
        self.body: Any = None
        self.path: Any = None
        self.query: Any = None


class Halves(NamedTuple):
    """An operation in two parts, around the one time it waits: for the exchange's answer."""

    submit: Callable[[Desk, Call], Future[Any]]
    finish: Callable[[Desk, Call, Future[Any]], msgspec.Struct]
    """Gets the future once it is done."""

    async def handle(self, desk: Desk, call: Call) -> msgspec.Struct:
        """Do both, for whoever can wait."""
        future = self.submit(desk, call)
        with suppress(GavelbookError):
            await future
        return self.finish(desk, call, future)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path."""

    name: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    handle: Callable[[Desk, Call], Awaitable[Any]]
    halves: Halves | None
    answer: type[msgspec.Struct] | None
    body: type[msgspec.Struct] | None = None
    path_type: type[msgspec.Struct] | None = None
    query_type: type[msgspec.Struct] | None = None
    bucket: Bucket = "reads"
    access: Access = "public"
    problems: tuple[str, ...] = ()
    """Codes of its own, beside those that any operation may answer with."""
    cost: Callable[[Any], int] | None = None
    """How many requests the body counts as; one without it."""


class Operations:
    """Operations of one tag, collected by decorating their handlers."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self.all: list[Operation] = []

    def add(self, method: str, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """Add the handler below: its docstring is the summary and the description."""

        def decorate(handler: Handler) -> Handler:
            self._add(method, path, handler, handle=handler, halves=None, **options)
            return handler

        return decorate

    def add_halves(
        self, method: str, path: str, submit: Callable[[Desk, Call], Future[Any]], **options: Any
    ) -> Callable[[Finisher], Finisher]:
        """Add ``submit`` and, as its other half, the function below."""

        def decorate(finish: Finisher) -> Finisher:
            halves = Halves(submit, finish)
            self._add(method, path, finish, handle=halves.handle, halves=halves, **options)
            return finish

        return decorate

    def _add(self, method: str, path: str, described: Any, **options: Any) -> None:
        summary, _, description = (described.__doc__ or "").partition("\n")
        self.all.append(
            Operation(
                name=described.__name__,
                method=method,
                path=path,
                tag=self._tag,
                summary=summary.strip().rstrip("."),
                description=unwrapped(description),
                **options,
            )
        )


def unwrapped(text: str) -> str:
    """Return the paragraphs of a docstring, each on one line.

    Python 3.13 takes the indentation out of a docstring, earlier ones leave it in.
    """
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(" ".join(each.split()) for each in paragraphs)
