"""Money that leaves escrow: at once with the matcher's signature, or later with nobody's help."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from gavelbook.demo.attempts import expect_refusal
from gavelbook.demo.bulk_sender import Message
from gavelbook.demo.errors import DemoError
from gavelbook.exchange.signing import Withdrawal

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from gavelbook.client import Client
    from gavelbook.demo.attempts import Refusal
    from gavelbook.demo.exchange_scene import ExchangeScene

_LOOK_SECONDS = 0.2


class Left(NamedTuple):
    """What somebody took out of escrow, in base units, and what was refused on the way."""

    tokens: int
    money: int
    refusal: Refusal


def withdraw(scene: ExchangeScene, client: Client, account: LocalAccount, amount: int) -> Refusal:
    """Take ``amount`` of the payment token out at once; return what happens without the matcher.

    Raises:
        DemoError: ``not_paid``, or as the exchange or the chain refuses.

    """
    money = scene.scene.payment_token
    before = money.balance_of(account.address)
    agreed = client.withdraw(money.address, amount)
    terms = Withdrawal(
        account=bytes(agreed.account),
        token=bytes(agreed.token),
        amount=int(agreed.amount),
        to=bytes(agreed.to),
        nonce=int(agreed.nonce),
        deadline=int(agreed.deadline),
    )
    signature = bytes(agreed.matcher_signature or b"")
    larger = scene.exchange.withdraw(replace(terms, amount=amount + 1), signature)
    attempt = "withdrawing one base unit more than the matcher has signed"
    refusal = expect_refusal(scene.scene.web3, account, attempt, larger)
    call = scene.exchange.withdraw(terms, signature)
    scene.scene.bulk.send_and_mine([(account, Message.of(call))])
    paid = money.balance_of(account.address) - before
    if paid != amount:
        raise DemoError("not_paid", f"Expected a withdrawal of {amount}, was {paid}")
    return refusal


def leave(scene: ExchangeScene, account: LocalAccount) -> Left:
    """Take everything out by forced exit, waiting out the delay; nobody else does anything.

    Raises:
        DemoError: ``not_paid``, or as the chain refuses.

    """
    chain, exchange = scene.scene.chain, scene.exchange
    tokens = (scene.scene.sale_token, scene.scene.payment_token)
    addresses = [token.address for token in tokens]
    escrow = [exchange.balance_of(account.address, address).amount for address in addresses]
    wallet = [token.balance_of(account.address) for token in tokens]
    request = exchange.request_exit(addresses)
    scene.scene.bulk.send_and_mine([(account, Message.of(request))])
    exits = [exchange.exit(address, account.address) for address in addresses]
    refusal = expect_refusal(scene.scene.web3, account, "leaving before the delay", exits[0])
    due = exchange.balance_of(account.address, addresses[0]).exit_at
    while chain.now() < due:
        time.sleep(_LOOK_SECONDS)
        chain.call("evm_mine")
    scene.scene.bulk.send_and_mine((account, Message.of(call)) for call in exits)
    paid = [
        token.balance_of(account.address) - before
        for token, before in zip(tokens, wallet, strict=True)
    ]
    if paid != escrow:
        raise DemoError("not_paid", f"Expected exits of {escrow}, was {paid}")
    return Left(paid[0], paid[1], refusal)
