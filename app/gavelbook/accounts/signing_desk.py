"""Signing what the policy understands, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from eth_typing import Hash32

from gavelbook.accounts.errors import PolicyError
from gavelbook.accounts.policy import understand_message, understand_typed_data
from gavelbook.accounts.trail import Doing

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.accounts.doorkeeper import Visit
    from gavelbook.accounts.policy import Owner, Understood, Venue
    from gavelbook.accounts.registry import Registry
    from gavelbook.accounts.trail import Trail
    from gavelbook.accounts.venue_reader import VenueReader

T = TypeVar("T")

# What may have been recorded or listed since the venue was read.
_MAY_BE_NEW = frozenset({"contract_unknown", "market_unknown", "spender_unknown", "token_unknown"})


class Signature(NamedTuple):
    """A signature (65 bytes) and what was understood."""

    signature: bytes
    understood: Understood


class SigningDesk:
    """Signs for visits. Every signature is in the trail before anybody has it."""

    def __init__(
        self,
        registry: Registry,
        reader: VenueReader,
        trail: Trail,
        clock: Callable[[], int],
    ) -> None:
        self._registry = registry
        self._reader = reader
        self._trail = trail
        self._clock = clock

    def sign_typed_data(self, visit: Visit, typed_data: dict[str, Any], title: str) -> Signature:
        """Sign typed data; refused as `understand_typed_data` says."""
        # Contracts go by the chain's clock, the exchange by its machine's: neither may have passed.
        now = max(self._clock() // 1000, self._reader.chain_time())
        understood = self.judge(
            visit.account.address,
            lambda venue, owner: understand_typed_data(venue, owner, typed_data, now),
        )
        return self._sign(visit, understood, title)

    def sign_message(self, visit: Visit, text: str, title: str) -> Signature:
        """Sign a text; refused as `understand_message` says."""
        now = self._clock() // 1000
        understood = self.judge(
            visit.account.address,
            lambda venue, owner: understand_message(venue, owner, text, now),
        )
        return self._sign(visit, understood, title)

    def judge(self, address: str, judgement: Callable[[Venue, Owner], T]) -> T:
        """Return the policy's answer; what is unknown is looked up again before it is refused."""
        owner = self._reader.owner(address)
        try:
            return judgement(self._reader.venue(), owner)
        except PolicyError as error:
            if error.code not in _MAY_BE_NEW:
                raise
        return judgement(self._reader.venue(again=True), owner)

    def _sign(self, visit: Visit, understood: Understood, title: str) -> Signature:
        key = self._registry.key(visit.account)
        signed = key.unsafe_sign_hash(Hash32(understood.digest))
        self._trail.add(
            Doing(
                account=visit.account.id,
                session=visit.session.id,
                kind=f"{understood.kind} signed",
                digest=f"0x{understood.digest.hex()}",
                title=title,
                summary=tuple((line.label, line.text) for line in understood.lines),
            )
        )
        return Signature(bytes(signed.signature), understood)
