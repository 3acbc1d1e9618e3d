"""What tests of the settler do again and again, and what they look up on the chain."""

import time

from gavelbook.exchange.batch_codec import unpack_batch
from tests.chain.hooked_node import unreachable


def raw(token):
    return bytes.fromhex(token.address[2:])


def trade_a_little(service, count=1, market=1):
    """Let the first two traders trade ``count`` times; return the fills."""
    maker, taker, *_ = service.floor.traders
    fills = []
    for _ in range(count):
        sell = maker.sell(1, 5, market=market, lane=market)
        fills += service.trade(sell, taker.buy(1, 5, market=market, lane=market))
    return fills


def wait_until(is_so, seconds=30):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def step_until(service, is_so, steps=100):
    """Step until it is so: on a busy machine a block may take longer than a step waits."""
    for _ in range(steps):
        service.step()
        if is_so():
            return
    raise AssertionError(service.settler.status)


def batches_on_chain(floor):
    """Return the contents of all batches of the exchange, by number."""
    found = {}
    for number in range(floor.from_block, floor.web3.eth.block_number + 1):
        for transaction in floor.web3.eth.get_block(number, full_transactions=True)["transactions"]:
            if transaction["to"] == floor.exchange.address:
                function, fields = floor.exchange.contract.decode_function_input(
                    transaction["input"]
                )
                receipt = floor.web3.eth.get_transaction_receipt(transaction["hash"])
                if function.fn_name == "settle" and receipt["status"]:
                    batch = unpack_batch(fields["batch"])
                    found[batch.number] = batch
    return found


def vain_transactions(floor):
    """Return how many transactions of the relayer were mined and reverted."""
    return sum(
        floor.web3.eth.get_transaction_receipt(transaction["hash"])["status"] == 0
        for number in range(floor.from_block, floor.web3.eth.block_number + 1)
        for transaction in floor.web3.eth.get_block(number, full_transactions=True)["transactions"]
        if transaction["from"] == floor.relayer.address
    )


def relay(floor, batch, account=None):
    """Send a batch as a stranger."""
    call = floor.exchange.settle(batch.content, batch.signature)
    return floor.do(account or floor.owner, call)


def refuse_to_send(*_args, **_options):
    raise unreachable()
