"""What the portfolio says is what the chain holds, to the unit, whatever was done."""

import random

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.chain.clearing_plan import plan_clearing
from gavelbook.chain.deployments import EXCHANGE, DeploymentStore, SaleRecord
from gavelbook.chain.errors import ChainError, TransactionRefused
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.exchange_factory import deploy_exchange
from gavelbook.chain.exchange_types import Delays
from gavelbook.chain.sender import Sender
from gavelbook.chain.token import Token as TokenContract
from gavelbook.errors import GavelbookError
from gavelbook.service.acting import (
    AccountKind,
    Actor,
    SendTransaction,
    SignTypedData,
    carry_out,
)
from gavelbook.service.escrow_actions import in_words
from gavelbook.service.portfolio import Counted, Pots
from gavelbook.service.portfolio_desk import PortfolioDesk
from gavelbook.service.portfolio_history import Happening
from gavelbook.service.sale_view import Token
from tests.chain.stage import FlatFees

DAY = 24 * 60 * 60
CHAIN = 31337
amounts = st.integers(0, 2**120)


@st.composite
def all_pots(draw):
    """Pots as chain and exchange can leave them, with all that is under way."""
    token = Token("0x" + 40 * "1", "T", "T", draw(st.integers(0, 18)))
    exit_at = draw(st.sampled_from([0, 1]))
    counted = draw(
        st.none()
        | st.builds(
            Counted,
            available=amounts,
            reserved=st.just(0) if exit_at else amounts,
            withdrawing=amounts,
            coming=amounts,
            going=amounts,
        )
    )
    escrow = draw(amounts) if counted is None else counted.on_chain + draw(st.integers(-99, 99))
    others = {
        name: draw(amounts) for name in ("wallet", "arrived", "locked", "claimable", "vesting")
    }
    return Pots(token, escrow=escrow, exit_at=exit_at, counted=counted, **others)


@given(all_pots())
def test_the_columns_add_up_to_the_chain(pots):
    """What is under way between exchange and chain is in one place, never in two or none."""
    outside = pots.wallet + pots.arrived + pots.locked + pots.claimable + pots.vesting
    inside = pots.free + pots.reserved + pots.leaving + pots.booking + pots.unsplit
    assert pots.total == outside + inside
    flying = 0 if pots.counted is None else pots.counted.coming - pots.counted.going
    assert inside == pots.escrow + flying
    assert pots.leaving >= 0
    assert pots.booking >= 0


class KeyHolder:
    """Takes steps with keys at hand, and remembers their titles."""

    def __init__(self, stage):
        self.stage = stage
        self.keys = {account.address: account for account in stage.accounts}
        self.titles = []

    def take(self, actor, step):
        self.titles.append(step.title)
        assert step.lines
        account = self.keys[actor.address]
        if isinstance(step, SignTypedData):
            return bytes(account.sign_typed_data(full_message=step.typed_data).signature)
        assert isinstance(step, SendTransaction)
        receipt = self.stage.sender(account).send_and_wait(step.call)
        return receipt["transactionHash"].to_0x_hex()


class World:
    """A stage with an exchange and a vested sale, and a desk that knows them."""

    def __init__(self, stage, folder):
        self.stage = stage
        self.store = DeploymentStore(folder)
        self.holder = KeyHolder(stage)
        issuer = stage.sender(stage.issuer)
        made = issuer.send_and_wait(
            deploy_exchange(
                stage.web3,
                owner=stage.issuer.address,
                matcher=Account.from_key(keccak(text="matcher")).address,
                fee_recipient=stage.proceeds,
                delays=Delays(3_600, 60, 7_200),
            )
        )
        self.exchange = Exchange(stage.web3, made["contractAddress"])
        self.store.record_contract(
            CHAIN, EXCHANGE, self.exchange.address, made["blockNumber"], "0x"
        )
        issuer.send_and_wait(
            self.exchange.list_market(
                stage.sold.address,
                stage.paid.address,
                lot_size=10**15,
                tick_value=10,
                taker_fee_bps=30,
                maker_fee_bps=10,
            )
        )
        self.desk = PortfolioDesk(stage.web3, self.store, stage.web3.eth.chain_id)
        self.sold, self.paid = (
            Token(token.address, token.name(), token.symbol(), 18)
            for token in (stage.sold, stage.paid)
        )

    def actor(self, number):
        account = self.stage.bidders[number]
        return Actor(f"bidder {number}", account.address, AccountKind.DEMO)

    def do(self, actor, action):
        return carry_out(action, actor, self.holder)

    def open_sale(self, name="A sale", **changes):
        sale = self.stage.open_sale(**changes)
        record = SaleRecord(sale.address, name, self.stage.first_block)
        self.store.record_sale(CHAIN, record)
        return sale

    def seen(self, actor):
        self.desk.expire(actor)
        return self.desk.of(actor)

    def pots(self, actor, token):
        return self.seen(actor).pots_of(token.address)


@pytest.fixture
def world(stage, tmp_path):
    return World(stage, tmp_path)


def everything(world, token, actors, sales):
    """All of a token that has a place, by what the portfolios say and who holds the rest."""
    contract = TokenContract(world.stage.web3, token.address)
    held = [contract.balance_of(address) for address in (world.exchange.address, *sales)]
    theirs = [world.pots(actor, token) for actor in actors]
    inside = sum(each.escrow + each.locked + each.claimable + each.vesting for each in theirs)
    return inside, sum(held)


def test_whatever_is_done_every_unit_is_in_its_place(world):
    numbers = random.Random(7)
    stage, desk = world.stage, world.desk
    sale = world.open_sale()
    actors = [world.actor(number) for number in range(3)]
    before = {actor: world.pots(actor, world.paid).total for actor in actors}
    live = {actor: set() for actor in actors}
    exiting = set()
    for _ in range(24):
        actor = numbers.choice(actors)
        match numbers.randrange(5):
            case 0 | 1:
                world.do(actor, desk.deposit(actor, world.paid, numbers.randint(1, 10**20)))
            case 2:
                index = min(set(range(20)) - live[actor])
                live[actor].add(index)
                tick, lots = numbers.randrange(16), numbers.randint(1, 5)
                stage.place(sale, [(actors.index(actor), tick, lots)])
            case 3 if live[actor]:
                stage.place(sale, [(actors.index(actor), live[actor].pop())])
            case _:
                leaves = actor in exiting
                exiting.symmetric_difference_update({actor})
                action = desk.cancel_exit if leaves else desk.request_exit
                world.do(actor, action(actor, [world.paid]))
    for actor in actors:
        pots = world.pots(actor, world.paid)
        assert pots.total == before[actor]
        assert bool(pots.exit_at) is (actor in exiting)
        assert pots.leaving == (pots.escrow if actor in exiting else 0)
    inside, held = everything(world, world.paid, actors, [sale.address])
    assert inside == held > 0


def test_what_is_won_is_claimable_then_vesting_then_in_escrow(world):
    stage, desk, actor = world.stage, world.desk, world.actor(0)
    end, before = stage.now() + 1_000, world.pots(actor, world.sold).wallet
    # A third is vested at the end, the rest comes in the day after.
    sale = world.open_sale(
        end=end, vesting_start=end, vesting_cliff=end + 1_000, vesting_end=end + 3 * DAY
    )
    stage.place(sale, [(0, 8, 90), (1, 4, 30)])
    locked = world.pots(actor, world.paid).locked
    assert locked == 90 * sale.price(8)
    assert not world.seen(actor).claims
    stage.move_to(end + DAY + 10)
    reader = stage.reader(sale)
    reader.sync()
    plan = plan_clearing(sale.terms().auction, reader.book())
    stage.do(stage.keeper, sale.clear(plan.unsigned_hint, plan.margin_after(0)))

    seen = world.seen(actor)
    won = seen.pots_of(world.sold.address)
    assert won.claimable + won.vesting == 90 * 10**15
    assert won.claimable > 0
    assert won.vesting > 0
    assert seen.pots_of(world.paid.address).locked == 0
    [claim] = seen.claims
    assert (claim.tokens_now, claim.tokens_later) == (won.claimable, won.vesting)
    other = world.actor(1)
    refund = world.pots(other, world.paid).claimable
    assert refund == 20 * sale.price(4)
    inside, held = everything(world, world.sold, [actor, other], [sale.address])
    assert held == inside

    world.do(actor, desk.claim_into_escrow(actor, claim))
    after = world.pots(actor, world.sold)
    assert after.escrow > 0
    assert after.escrow + after.claimable + after.vesting == 90 * 10**15
    stage.move_to(end + 3 * DAY)
    [claim] = world.seen(actor).claims
    world.do(actor, desk.claim(actor, claim))
    after = world.pots(actor, world.sold)
    assert after.wallet - before + after.escrow == 90 * 10**15
    assert not world.seen(actor).claims
    told = [entry.what for entry in desk.history(actor).entries]
    assert told == [
        Happening.TOKENS_CLAIMED,
        Happening.DEPOSIT,
        Happening.TOKENS_CLAIMED,
        Happening.BID,
    ]


def test_a_deposit_is_one_signature_and_one_transaction(world):
    actor = world.actor(2)
    wallet = world.pots(actor, world.paid).wallet
    transaction = world.do(actor, world.desk.deposit(actor, world.paid, 5 * 10**18))
    assert world.holder.titles == ["Allow the payment", "Pay in 5 PAY"]
    pots = world.pots(actor, world.paid)
    assert (pots.wallet, pots.escrow) == (wallet - 5 * 10**18, 5 * 10**18)
    [entry] = world.desk.entries_of(actor, transaction)
    assert (entry.what, entry.amount.units) == (Happening.DEPOSIT, 5 * 10**18)


def test_more_than_the_wallet_has_is_refused_before_anything_is_sent(world):
    actor = world.actor(2)
    wallet = world.pots(actor, world.paid).wallet
    with pytest.raises(TransactionRefused) as caught:
        world.do(actor, world.desk.deposit(actor, world.paid, wallet + 1))
    assert caught.value.code == "erc20_insufficient_balance"
    assert world.pots(actor, world.paid).wallet == wallet


def test_tokens_sent_to_the_deposit_address_are_booked_by_anybody(world):
    actor, stranger = world.actor(0), world.actor(3)
    address = world.seen(actor).deposit_address
    assert address == world.exchange.forwarder_of(actor.address)
    world.stage.do(world.stage.bidders[1], world.stage.paid.transfer(address, 77))
    before = world.pots(actor, world.paid)
    assert (before.arrived, before.escrow) == (77, 0)
    world.do(stranger, world.desk.sweep(stranger, actor.address, world.paid))
    after = world.pots(actor, world.paid)
    assert (after.arrived, after.escrow, after.total) == (0, 77, before.total)


def test_an_exit_waits_and_then_takes_all(world):
    stage, desk, actor = world.stage, world.desk, world.actor(1)
    world.do(actor, desk.deposit(actor, world.paid, 1_000))
    world.do(actor, desk.request_exit(actor, [world.paid]))
    pots = world.pots(actor, world.paid)
    assert pots.exit_at == stage.now() + 3_600
    assert (pots.leaving, pots.free) == (1_000, 0)
    with pytest.raises(ChainError) as caught:
        world.do(actor, desk.take_out(actor, world.paid, 1_000))
    assert caught.value.code == "exit_not_due"
    stage.move_to(pots.exit_at)
    world.do(actor, desk.take_out(actor, world.paid, 1_000))
    after = world.pots(actor, world.paid)
    assert (after.escrow, after.exit_at, after.total) == (0, 0, pots.total)
    told = [entry.what for entry in desk.public_history(actor.address).entries]
    assert told == [Happening.EXIT, Happening.EXIT_REQUESTED, Happening.DEPOSIT]


def test_a_lane_is_cancelled_on_the_chain(world):
    actor = world.actor(0)
    world.do(actor, world.desk.cancel_lane(actor, 3, 99))
    lane = world.exchange.lane_of(actor.address, 3)
    assert lane.cancelled_sequence == 99
    [entry] = world.desk.history(actor).entries
    assert entry.what is Happening.LANE_CANCELLED
    assert entry.note.startswith("lane 3 up to 99, void from 20")


def test_a_reorganisation_takes_its_entries_back(world):
    actor = world.actor(0)
    world.do(actor, world.desk.deposit(actor, world.paid, 10))
    kept = world.stage.request("evm_snapshot")
    world.do(actor, world.desk.deposit(actor, world.paid, 20))
    assert len(world.desk.history(actor).entries) == 2
    world.stage.request("evm_revert", [kept])
    world.stage.mine(3)
    account = world.stage.bidders[0]
    world.stage.senders[account.address] = Sender(world.stage.web3, account, policy=FlatFees())
    assert [entry.amount.units for entry in world.desk.history(actor).entries] == [10]


def test_transfers_are_told_once_and_only_what_moved(world):
    sender, receiver = world.actor(0), world.actor(1)
    stage, paid = world.stage, world.stage.paid
    world.do(sender, world.desk.deposit(sender, world.paid, 10))
    stage.do(stage.bidders[0], paid.transfer(receiver.address, 7))
    stage.do(stage.bidders[0], paid.transfer(receiver.address, 0))
    stage.do(stage.bidders[0], paid.transfer(sender.address, 5))
    sent, received = (world.desk.history(each).entries for each in (sender, receiver))
    assert [(each.what, each.amount.units, each.other) for each in sent[:3]] == [
        (Happening.SENT, 5, sender.address),
        (Happening.SENT, 7, receiver.address),
        (Happening.DEPOSIT, 10, sender.address),
    ]
    assert (received[0].what, received[0].amount.units) == (Happening.RECEIVED, 7)
    assert (received[0].other, received[0].place) == (sender.address, "Wallet")
    assert received[0].transaction == sent[1].transaction


def test_a_transfer_that_was_taken_back_is_gone_from_the_history(world):
    actor, stage = world.actor(1), world.stage
    before = world.desk.history(actor).entries
    kept = stage.request("evm_snapshot")
    stage.do(stage.bidders[0], stage.paid.transfer(actor.address, 7))
    assert len(world.desk.history(actor).entries) == len(before) + 1
    stage.request("evm_revert", [kept])
    stage.mine(3)
    assert world.desk.history(actor).entries == before


def test_pages_of_the_history_are_the_newest_first(world):
    actor = world.actor(0)
    for amount in (1, 2, 3):
        world.do(actor, world.desk.deposit(actor, world.paid, amount))
    first = world.desk.history(actor, 2)
    assert [entry.amount.units for entry in first.entries] == [3, 2]
    assert not first.complete
    assert world.desk.history(actor, 3).complete


def test_others_see_what_is_public(world):
    actor = world.actor(0)
    world.do(actor, world.desk.deposit(actor, world.paid, 10))
    seen = world.desk.public(actor.address.lower())
    assert seen.address == actor.address
    assert seen.pots_of(world.paid.address).unsplit == 10
    for wrong in ("", "0x12", "ada", "0x" + 40 * "g", "0x" + 41 * "0"):
        with pytest.raises(GavelbookError) as caught:
            world.desk.public(wrong)
        assert caught.value.code == "address_malformed"


def test_a_chain_without_anything_is_an_empty_portfolio(stage, tmp_path):
    desk = PortfolioDesk(stage.web3, DeploymentStore(tmp_path), CHAIN)
    seen = desk.public(stage.bidders[0].address)
    assert seen.pots == ()
    assert not seen.deposit_address
    assert desk.public_history(stage.bidders[0].address).entries == ()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(DAY, "1 day"), (3 * 3600, "3 hours"), (90, "90 seconds"), (120, "2 minutes")],
)
def test_delays_in_words(seconds, text):
    assert in_words(seconds) == text
