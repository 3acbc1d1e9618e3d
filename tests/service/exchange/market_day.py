"""An exchange to try things on: a market, traders with money and keys, and signed orders."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field

from coincurve import PrivateKey

from gavelbook.exchange.commands import Deposit, ListMarket, PlaceOrder
from gavelbook.exchange.engine import EngineTerms
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import Domain, address_of, order_hash, sign
from gavelbook.service.exchange.embedded import EmbeddedExchange
from gavelbook.service.exchange.matcher_key import MatcherKey

BASE, QUOTE = b"\xba" * 20, b"\xcd" * 20
MARKET = Market(1, BASE, QUOTE, 10**15, 10**6, 20, 10)
DOMAIN = Domain(31_337, b"\xee" * 20)
TERMS = EngineTerms(fee_recipient=b"\xfe" * 20)
MATCHER_SECRET = b"\x77" * 32
MATCHER = MatcherKey(DOMAIN, MATCHER_SECRET)
EXPIRY = 4_000_000_000
RICH = 10**40


@dataclass
class Trader:
    """Signs orders, each with the next sequence of its lane."""

    secret: bytes
    sequences: dict[int, int] = field(default_factory=dict)

    def __post_init__(self):
        self.key = PrivateKey(self.secret)
        self.address = address_of(self.key)

    def order(self, side=Side.BUY, lots=1, ticks=100, lane=0, **options):
        """Return a signed order; ``options`` are those of `PlaceOrder`, or of `Order`."""
        sequence = options.pop("sequence", self.sequences.get(lane, 0) + 1)
        self.sequences[lane] = sequence
        expiry = options.pop("expiry", EXPIRY)
        market = options.pop("market", MARKET)
        order = Order(market.id, self.address, side, lots, ticks, lane, sequence, expiry, 100)
        signature = sign(order_hash(DOMAIN, market, order), self.key)
        return PlaceOrder(order, b"", signature, **options)


def trader(number):
    """Return the trader with this number, always with the same key."""
    return Trader(number.to_bytes(32, "big"))


def opening(*traders):
    """Return the commands that list the market and give ``traders`` money."""
    deposits = [Deposit(each.address, token, RICH) for each in traders for token in (BASE, QUOTE)]
    return [ListMarket(MARKET), *deposits]


@contextmanager
def exchange_in(folder, *traders, **options):
    """Run the exchange in ``folder``; a new one is opened with ``traders``."""
    with EmbeddedExchange(folder, DOMAIN, TERMS, MATCHER_SECRET, **options) as running:
        running.start()
        if not running.sequencer.tail.position:
            for command in opening(*traders):
                running.sequencer.submit(command).result()
        yield running


class Answers(list):
    """Collects what is delivered, and waits for it."""

    def __init__(self):
        self._arrived = threading.Condition()

    def deliver(self, answers):
        with self._arrived:
            self.extend(answers)
            self._arrived.notify_all()

    def wait(self, count, timeout=10):
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self) >= count, timeout), len(self)
        return list(self)


def place(running, *orders):
    """Place ``orders`` in one go and return the answers."""
    answers = Answers()
    running.intake.place(orders, answers.deliver)
    return answers.wait(len(orders))


def state_hash(running):
    """Return the hash of the engine's state."""
    with running.sequencer.reading() as engine:
        return engine.state_hash()
