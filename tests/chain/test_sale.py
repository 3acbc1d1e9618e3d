import dataclasses

import pytest
from eth_abi.abi import encode
from eth_account import Account

from gavelbook.auction import Pricing, Rule
from gavelbook.chain.errors import ChainError, TransactionRefused
from gavelbook.chain.factory import SaleFactory, contract_terms
from gavelbook.chain.sale import ClearingHint, LiveBid, Owed, Phase, Sale, bid_key
from gavelbook.chain.token import Token
from gavelbook.errors import TermsError

pytestmark = pytest.mark.anvil
NOBODY = "0x00000000000000000000000000000000000000aA"


def test_the_terms_come_back_as_they_were_given(stage):
    now = stage.now()
    terms = stage.terms(
        rule=Rule.GROUP_ROUND_ROBIN,
        pricing=Pricing.UNIFORM,
        minimum_raise=5,
        gate=stage.gate.address,
        end=now + 100,
        cancel_until=now + 50,
        vesting_start=now + 200,
        vesting_cliff=now + 300,
        vesting_end=now + 400,
    )
    assert stage.open_sale(terms).terms() == terms
    plain = stage.terms()
    assert stage.open_sale(plain).terms() == plain


def test_incomplete_terms_never_reach_the_chain(stage):
    with pytest.raises(TermsError) as caught:
        stage.factory.create_sale(dataclasses.replace(stage.terms(), allocator=None))
    assert caught.value.code == "key_missing"
    assert contract_terms(stage.terms())[3] == "0x" + 40 * "0"


def test_the_factory_knows_its_sales(stage):
    sale = stage.open_sale()
    assert stage.factory.is_sale(sale.address)
    assert not stage.factory.is_sale(NOBODY)
    assert stage.sold.balance_of(sale.address) == 100 * 10**15
    receipt = stage.do(stage.bidders[0], stage.paid.approve(sale.address, 1))
    with pytest.raises(ChainError) as caught:
        stage.factory.created_sale(receipt)
    assert caught.value.code == "no_sale_created"


def test_a_sale_from_bid_to_claim(stage):
    sale = stage.open_sale(start=stage.now() + 100)
    bidder = stage.bidders[0]
    account = bidder.address
    assert sale.phase() is Phase.FUNDED
    stage.move_to(sale.terms().start)
    assert sale.phase() is Phase.OPEN
    stage.place(sale, [(0, 3, 10), (0, 3, 20), (0, 5, 1), (0, 1)])
    assert sale.bids_of(account) == [LiveBid(0, 3, 10, 1), LiveBid(2, 5, 1, 1)]
    assert sale.lots_at(2, 4) == [0, 10, 0, 1]
    assert sale.price(3) == 1_150_000
    assert sale.cap_lots() == 100
    assert sale.wrapped_ether() is None
    assert not sale.result().decided
    stage.close(sale)
    assert sale.phase() is Phase.CLOSED
    stage.move_to(sale.terms().allocator_until)
    stage.do(stage.keeper, sale.clear(ClearingHint(0, 0, 0)))
    assert sale.phase() is Phase.CLEARED
    assert sale.result().sold_lots == 11
    assert sale.raised() == 10 * 1_150_000 + 1_250_000
    assert sale.owed(account) == Owed(11 * 10**15, 0, 0)
    stage.do(bidder, sale.claim_to(NOBODY, None))
    assert stage.sold.balance_of(NOBODY) >= 11 * 10**15
    assert sale.bids_of(account) == []
    stage.do(stage.keeper, sale.collect_proceeds())
    stage.do(stage.keeper, sale.collect_unsold())
    assert sale.result().proceeds_collected
    assert sale.result().unsold_collected
    assert stage.paid.balance_of(sale.address) == stage.sold.balance_of(sale.address) == 0


def test_each_leg_of_a_claim_has_a_call(stage):
    sale = stage.open_sale(supply_lots=10)
    stage.place(sale, [(0, 3, 6), (1, 2, 6), (2, 0, 4), (3, 0, 1)])
    stage.move_to(sale.terms().allocator_until)
    one, two, three, four = (account.address for account in stage.bidders[:4])
    stage.do(stage.keeper, sale.clear(ClearingHint(2, 4, 1), [bid_key(two, 0)]))
    stage.do(stage.keeper, sale.claim_tokens(two))
    assert sale.owed(two) == Owed(0, 0, 2 * 1_100_000)
    stage.do(stage.keeper, sale.claim_refund(two))
    assert sale.owed(two) == Owed(0, 0, 0)
    stage.do(stage.keeper, sale.claim(one))
    stage.do(stage.keeper, sale.claim_many([one, three, four]))
    assert sale.owed(three) == sale.owed(four) == Owed(0, 0, 0)
    with pytest.raises(TransactionRefused) as caught:
        stage.sender(stage.keeper).send(sale.claim(one))
    assert caught.value.code == "nothing_to_claim"


def test_a_sale_can_be_aborted_in_the_end(stage):
    sale = stage.open_sale()
    stage.place(sale, [(0, 3, 6)])
    stage.move_to(sale.terms().abort_time)
    stage.do(stage.keeper, sale.abort())
    assert sale.phase() is Phase.FAILED
    assert sale.owed(stage.bidders[0].address) == Owed(0, 0, 6 * 1_150_000)


def test_reading_at_an_earlier_block(stage):
    sale = stage.open_sale()
    block = stage.web3.eth.block_number
    stage.place(sale, [(0, 3, 6)])
    assert sale.lots_at(3, 1) == [6]
    assert sale.lots_at(3, 1, block) == [0]


def test_the_key_of_a_bid():
    assert bid_key("0x" + 39 * "0" + "1", 23) == 0x117


@pytest.mark.parametrize("address", [NOBODY, "0x" + 40 * "0"])
def test_where_there_is_no_sale(stage, address):
    with pytest.raises(ChainError) as caught:
        Sale(stage.web3, address).terms()
    assert caught.value.code == "not_a_sale"
    with pytest.raises(ChainError) as caught:
        Token(stage.web3, address).symbol()
    assert caught.value.code == "not_a_token"


def answering(stage, answer):
    """Return the address of a contract that answers everything with ``answer``."""
    address, size = Account.create().address, f"{len(answer):04x}"
    # Copies what follows it and returns that.
    code = bytes.fromhex(f"61{size}600c5f3961{size}5ff3") + answer
    stage.request("anvil_setCode", [address, f"0x{code.hex()}"])
    return address


def test_a_token_that_gives_another_ones_name_for_its_own_gets_no_permit_for_it(stage):
    types = ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"]
    lie = [b"\x0f", "Paid", "1", 1, stage.paid.address, bytes(32), []]
    liar = Token(stage.web3, answering(stage, encode(types, lie)))
    owner = stage.bidders[0].address
    assert not liar.takes_permits(owner)
    domain = liar.permit_typed_data(owner, stage.keeper.address, 1, 2)["domain"]
    assert domain["verifyingContract"] == liar.address
    assert domain["chainId"] == stage.web3.eth.chain_id


@pytest.mark.parametrize(
    "answer",
    [encode(["bytes"], [b"\xff\xfe"]), (32).to_bytes(32) + (2**255).to_bytes(32), bytes(31)],
    ids=["no text", "a length beyond all", "too short"],
)
def test_a_token_that_answers_nonsense_is_none(stage, answer):
    address = answering(stage, answer)
    with pytest.raises(ChainError) as caught:
        Token(stage.web3, address).symbol()
    assert caught.value.code == "not_a_token"


def test_a_token_tells_what_it_is(stage):
    assert stage.sold.symbol() == "SLD"
    assert stage.sold.name() == "Sold"
    assert stage.sold.decimals() == 18
    owner, spender = stage.keeper.address, stage.gate.address
    stage.do(stage.keeper, stage.paid.approve(spender, 7))
    assert stage.paid.allowance(owner, spender) == 7
    assert SaleFactory(stage.web3, stage.factory.address).address == stage.factory.address
