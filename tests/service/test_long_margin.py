"""A margin too long for one transaction, under the gas limits of a real chain."""

import random

import pytest
import requests
from eth_account import Account

from gavelbook.auction import Rule
from gavelbook.chain.connection import connect
from gavelbook.chain.fees import MAX_TRANSACTION_GAS
from gavelbook.service.allocator import AllocatorStatus
from tests.chain.anvil_chain import running_anvil
from tests.chain.stage import Stage, people
from tests.service.play import allocator, audited, decisions, transactions_of

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

BIDDERS, BIDS_EACH, TICKS = 210, 20, 1024


@pytest.fixture
def stage():
    options = ["--auto-impersonate", "--enable-tx-gas-limit", "--gas-limit", "2000000000"]
    with running_anvil(*options) as url:
        yield Stage(connect(url), people(5))


def send_all(stage, transactions):
    """Mine ``transactions`` in their order; their accounts are impersonated."""
    url = stage.web3.provider.endpoint_uri
    stage.request("evm_setAutomine", [False])
    batch = [
        {"jsonrpc": "2.0", "id": i, "method": "eth_sendTransaction", "params": [transaction]}
        for i, transaction in enumerate(transactions)
    ]
    answers = requests.post(url, json=batch, timeout=60).json()
    assert not [answer for answer in answers if "error" in answer]
    stage.request("anvil_mine", [1])
    stage.request("evm_setAutomine", [True])


def crowd_bids(stage, sale):
    """Let many bidders bid at most ticks; return the number of bids."""
    numbers = random.Random(3)
    bidders = [Account.from_key(numbers.randbytes(32)).address for _ in range(BIDDERS)]
    for bidder in bidders:
        stage.request("anvil_setBalance", [bidder, hex(10**20)])

    def transaction(sender, call, **more):
        data = call._encode_transaction_data()
        return {"from": sender, "to": call.address, "data": data, "gas": hex(400_000), **more}

    issuer = stage.issuer.address
    # The node takes a batch up all at once, so who sends twice has to count.
    nonce = stage.web3.eth.get_transaction_count(issuer)
    transfers = (stage.paid.transfer(bidder, 10**12) for bidder in bidders)
    send_all(
        stage,
        [transaction(issuer, call, nonce=hex(n)) for n, call in enumerate(transfers, nonce)],
    )
    approval = stage.paid.approve(sale.address, 10**12)
    send_all(stage, [transaction(bidder, approval) for bidder in bidders])
    for _ in range(BIDS_EACH):
        bid = transaction(issuer, sale.bid(numbers.randrange(TICKS - 1), numbers.randint(1, 5)))
        send_all(stage, [{**bid, "from": bidder} for bidder in bidders])
    stage.do(stage.bidders[0], sale.bid(TICKS - 1, 1))
    return BIDDERS * BIDS_EACH


def test_a_margin_of_thousands_of_bids(stage, tmp_path):
    sale = stage.open_sale(
        rule=Rule.TOP_THEN_ROUND_ROBIN, supply_lots=6_000, tick_count=TICKS, cap_bps=1_000
    )
    count = crowd_bids(stage, sale)
    stage.close(sale)
    first = stage.web3.eth.block_number
    outcome = allocator(stage, sale, tmp_path).run()
    assert outcome.status is AllocatorStatus.CLEARED
    assert len(outcome.plan.margin) == count
    assert len(decisions(stage, sale)) == 1
    receipts = transactions_of(stage.web3, stage.allocator, first)
    gas = [receipt["gasUsed"] for receipt in receipts]
    assert len(gas) == 2
    assert max(gas) < MAX_TRANSACTION_GAS
    assert gas[0] > MAX_TRANSACTION_GAS // 3
    assert audited(stage, sale).difference is None
