"""What somebody does, as steps that any kind of account can take.

An action is a generator that yields steps and is sent what came of each. Whoever holds the key
takes the steps: the demo's own accounts and the signer of managed accounts at once, a browser's
wallet one by one, each when its owner agrees. The action itself does not know who does.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from web3.contract.contract import ContractFunction

T = TypeVar("T")


class AccountKind(StrEnum):
    """Who holds the key of an account."""

    DEMO = "demo"
    """Everybody: it is an account of a local chain."""
    MANAGED = "managed"
    """The signer of managed accounts."""
    WALLET = "wallet"
    """Its owner, in a wallet of the browser."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts, as one session knows them: ``address`` has a checksum.

    What was read or opened for an actor is kept under the whole of it, so that nobody else can
    come by it by naming the same address.
    """

    name: str
    address: str
    kind: AccountKind
    session: str = field(default="", repr=False)
    """A secret: the token of a managed account's session, random text where a wallet is connected;
    empty for accounts of a demo, which are everybody's."""


class Line(NamedTuple):
    """What a step means, in words: `Line("You pay at most", "120 DUSD")`."""

    label: str
    text: str


@dataclass(frozen=True)
class SignTypedData:
    """Sign ``typed_data`` (EIP-712); answered with the signature's 65 bytes."""

    title: str
    typed_data: dict[str, Any]
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class SignMessage:
    """Sign ``text`` (EIP-191 `personal_sign`); answered with the signature's 65 bytes."""

    title: str
    text: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class SendTransaction:
    """Send ``call`` with ``value`` wei; answered, once it is in a block, with its hash as text."""

    title: str
    call: ContractFunction
    value: int = 0
    lines: tuple[Line, ...] = ()


Step = SignTypedData | SignMessage | SendTransaction
Action = Generator[Step, Any, T]


class Signer(Protocol):
    """Takes the steps of actors whose keys this side can reach."""

    def take(self, actor: Actor, step: Step) -> bytes | str:
        """Return the answer to ``step``, as the step says.

        Raises:
            GavelbookError: the step was refused or failed; what was sent before stays sent.

        """


def carry_out(action: Action[T], actor: Actor, signer: Signer) -> T:
    """Take all steps of ``action`` as ``actor`` and return its result.

    Raises:
        GavelbookError: what a step or the action raises. The action may catch what a step raises.

    """
    try:
        step = next(action)
        while True:
            try:
                answer = signer.take(actor, step)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the action decides
                step = action.throw(error)
            else:
                step = action.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
