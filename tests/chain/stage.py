"""A chain with tokens, a factory and people, on which tests hold sales."""

import dataclasses

from eth_account import Account

from gavelbook.auction import AuctionTerms, Pricing, Rule, SaleTerms
from gavelbook.chain.bid_reader import BidReader
from gavelbook.chain.factory import SaleFactory, deploy_factory, deploy_token
from gavelbook.chain.fees import GWEI, FeePolicy, Fees
from gavelbook.chain.sale import Sale
from gavelbook.chain.sender import Sender
from gavelbook.chain.token import Token

DAY = 24 * 60 * 60
SECONDS_OPEN = 10_000

_MNEMONIC = "test test test test test test test test test test test junk"


def people(count):
    """Return the first accounts of the public development mnemonic."""
    Account.enable_unaudited_hdwallet_features()
    return [
        Account.from_mnemonic(_MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(count)
    ]


class FlatFees(FeePolicy):
    """A policy that asks nobody."""

    def suggested(self, web3):
        del web3
        return Fees(200 * GWEI, GWEI)


class Stage:
    """Everything a sale needs. ``accounts``: issuer, allocator, gate, keeper, then bidders."""

    def __init__(self, web3, accounts):
        self.web3 = web3
        self.accounts = accounts
        self.senders = {
            account.address: Sender(web3, account, policy=FlatFees()) for account in accounts
        }
        self.issuer, self.allocator, self.gate, self.keeper, *self.bidders = accounts
        self.proceeds = Account.from_key(b"\x11" * 32).address
        self.unsold = Account.from_key(b"\x22" * 32).address
        issuer = self.sender(self.issuer)
        self.factory = SaleFactory(web3, self._deploy(deploy_factory(web3)))
        holder = issuer.address
        self.sold = Token(web3, self._deploy(deploy_token(web3, "Sold", "SLD", 10**40, holder)))
        self.paid = Token(web3, self._deploy(deploy_token(web3, "Paid", "PAY", 10**40, holder)))
        for account in self.bidders:
            issuer.send_and_wait(self.paid.transfer(account.address, 10**30))
        issuer.send_and_wait(self.sold.approve(self.factory.address, 10**40))

    def sender(self, account):
        return self.senders[account.address]

    def now(self):
        return self.web3.eth.get_block("latest")["timestamp"]

    def terms(self, **changes):
        """Return terms of a sale that opens now; ``changes`` by the names of the keys."""
        now = self.now()
        end = changes.get("end", now + SECONDS_OPEN)
        auction = AuctionTerms(
            rule=Rule.PRICE_TIME,
            pricing=Pricing.PAY_AS_BID,
            supply_lots=100,
            lot_size=10**15,
            floor_price=1_000_000,
            tick_value=50_000,
            tick_count=16,
            min_bid_lots=1,
            cap_bps=10_000,
        )
        names = {field.name for field in dataclasses.fields(AuctionTerms)}
        auction = dataclasses.replace(auction, **{k: v for k, v in changes.items() if k in names})
        sale = {
            "sale_token": self.sold.address,
            "payment_token": self.paid.address,
            "allocator": self.allocator.address,
            "proceeds_recipient": self.proceeds,
            "unsold_recipient": self.unsold,
            "start": now,
            "end": end,
            "cancel_until": end,
            "allocator_until": end + DAY,
            "abort_time": end + 3 * DAY,
        }
        return SaleTerms(auction=auction, **sale | {k: changes[k] for k in changes.keys() - names})

    def open_sale(self, terms=None, **changes):
        """Open a sale and let every bidder pay into it."""
        receipt = self.sender(self.issuer).send_and_wait(
            self.factory.create_sale(terms or self.terms(**changes))
        )
        sale = Sale(self.web3, self.factory.created_sale(receipt))
        self.first_block = receipt["blockNumber"]
        approval = self.paid.approve(sale.address, 10**30)
        self.do_all([(account, approval) for account in self.bidders])
        return sale

    def do(self, account, call, value=0):
        """Send ``call`` untried, with gas for anything: quicker than an estimate."""
        return self.sender(account).send_and_wait(call, value, gas=3_000_000)

    def do_all(self, calls):
        """Send each call of its account in this order, and wait for them at the end."""
        sent = [
            (account, self.sender(account).send(call, gas=3_000_000)) for account, call in calls
        ]
        for account, transaction in sent:
            self.sender(account).wait(transaction)

    def place(self, sale, bids):
        """Place ``bids``: (number of the bidder, tick, lots), or (number, index) to cancel."""
        calls = (
            (bidder, sale.cancel(*bid) if len(bid) == 1 else sale.bid(*bid))
            for bidder, *bid in bids
        )
        self.do_all([(self.bidders[bidder], call) for bidder, call in calls])

    def move_to(self, time):
        """Mine a block at ``time``."""
        provider = self.web3.provider
        if hasattr(provider, "ethereum_tester"):
            provider.ethereum_tester.time_travel(time)
            provider.ethereum_tester.mine_block()
        else:
            self.request("evm_setNextBlockTimestamp", [time])
            self.request("evm_mine")

    def mine(self, blocks):
        """Mine empty blocks."""
        provider = self.web3.provider
        if hasattr(provider, "ethereum_tester"):
            provider.ethereum_tester.mine_blocks(blocks)
        else:
            self.request("anvil_mine", [blocks])

    def close(self, sale):
        """Go to the end of the bid window."""
        self.move_to(sale.terms().end)

    def reader(self, sale, **options):
        return BidReader(self.web3, sale.address, self.first_block, **options)

    def request(self, method, params=()):
        """Ask the node something that web3 has no name for."""
        answer = self.web3.provider.make_request(method, list(params))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    def _deploy(self, call):
        return self.sender(self.issuer).send_and_wait(call)["contractAddress"]
