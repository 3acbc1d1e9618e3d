"""What each custom error of an exchange means to people; as `refusal_texts`.

A name that another contract has with other values stands here with its types.
"""

EXCHANGE_REFUSAL_TEXTS = {
    # Administration
    "AddressMissing()": "Expected an address, was zero",
    "DelaysInvalid": (
        "Expected 0 < cancel notice <= exit delay <= key delay <= {max} seconds, "
        "was {cancel_notice}, {exit_delay}, {key_delay}"
    ),
    "MarketExists": "Expected a pair without a market, was that of market {id}",
    "LotSizeInvalid": "Expected a lot size from 1 to {max}, was {lot_size}",
    "TickValueInvalid": "Expected a tick value from 1 to {max}, was {tick_value}",
    "FeeInvalid": "Expected a fee of at most {max} basis points, was {fee_bps}",
    "TooManyMarkets": "Expected at most {max} markets",
    "UnknownMarket": "Expected a market that is listed, was {id}",
    "NothingProposed": "Expected a proposal to accept, was none",
    "ProposalNotReady": "The proposal can be accepted from {ready_at}",
    "ExchangePaused": "Deposits and settlement are stopped",
    "ExchangeNotPaused": "Deposits and settlement are not stopped",
    "OwnableUnauthorizedAccount": "Expected the owner to send this, was {account}",
    # Money
    "AccountInvalid": "Expected an account other than zero and the exchange, was {account}",
    "AmountZero": "Expected an amount of at least 1 base unit, was 0",
    "DepositMismatch": "Expected {expected} of {token} to arrive, was {received}",
    "BalanceTooLarge": "Expected a balance under 2**216 base units, was {amount}: {account}",
    "InsufficientBalance(address,address,uint256,uint256)": (
        "Expected a balance of at least {needed} of {token} in escrow, was {held}: {account}"
    ),
    "PermitRefused(address,address)": (
        "The permit of {owner} was refused by {token}: it has expired, was used or is of another"
    ),
    "NothingToSweep": "Expected something at the deposit address of {account}, was nothing",
    "NonceUsed": "Expected a nonce above the last one of {account}, was {nonce}",
    "WithdrawalExpired": "The withdrawal could be made until {deadline}: ask for a new one",
    "BadMatcherSignature": "Expected the matcher's signature over just this, was another",
    "NoExit": "Expected an exit of {token} to have been requested by {account}, was none",
    "ExitNotDue": "The balance of {token} can be taken out from {exit_at}",
    # Orders
    "NotMaker": "Expected the maker {maker} to send this, was {caller}",
    "NotApproved": "Expected an order that {account} has approved, was {order_hash}",
    "NothingToCancel": (
        "Expected a sequence above those void already in lane {lane}, was {sequence}"
    ),
    "CancelPending": (
        "Another cancel of lane {lane} takes effect at {cancel_at}; the next can follow from then"
    ),
    # Settlement
    "MalformedBatch": "Expected a batch whose length fits its numbers, was one of {length} bytes",
    "WrongBatchNumber": "Expected batch {expected}, was {was}",
    "FeeAboveMarket": "Expected at most the market's {max_fee_bps} basis points, was {fee_bps}",
    "FeeAboveOrder": (
        "Expected at most the {max_fee_bps} basis points that order {index} allows, was {fee_bps}"
    ),
    "BadOrderSignature": "Expected order {index} signed or approved by its maker, was neither",
    "OrderExpired": "Order {index} could be filled until {expiry}",
    "SequencePassed": (
        "Expected order {index} to have a sequence of at least {last}, was {sequence}"
    ),
    "OrderCancelled": (
        "Order {index} is cancelled with its lane up to sequence {cancelled_sequence}"
    ),
    "Overfilled": "Expected order {index} filled with at most {lots} lots, was {filled}",
    "OrderUnused": "Expected a fill that uses order {index}, was none",
    "OrderIndexInvalid": "Expected fill {fill_index} to name one of {count} orders, was {index}",
    "FillEmpty": "Expected lots in fill {fill_index}, was none",
    "SameSide": "Expected fill {fill_index} between a buyer and a seller, was one side",
    "SelfTrade": "Expected fill {fill_index} between two accounts, was {account} with itself",
    "PriceOutsideLimit": (
        "Expected fill {fill_index} within the taker's limit of {taker_ticks} ticks, "
        "was {maker_ticks}"
    ),
    "AccountExited": "The balance of {token} of {account} is out of settlement since {exit_at}",
}
