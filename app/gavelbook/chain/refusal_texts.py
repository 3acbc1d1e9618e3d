"""What each custom error means to people; the places in braces are its values in snake case."""

REFUSAL_TEXTS = {
    # Terms
    "AddressMissing": "Expected an address in the terms at place {term}, was zero",
    "TokensEqual": "Expected two different tokens, was {token} twice",
    "NotAToken": "Expected a token at {token}, was no contract",
    "SupplyInvalid": "Expected a supply from 1 to 2**32 - 1 lots, was {supply_lots}",
    "TickCountInvalid": "Expected from 1 to {max} ticks, was {tick_count}",
    "UnitZero": (
        "Expected a lot size, floor price and tick value of at least 1, "
        "was {lot_size}, {floor_price}, {tick_value}"
    ),
    "AmountTooLarge": "Expected an amount below 2**256, was {factor} times {factor2}",
    "CapInvalid": "Expected a cap from 1 to 10000 basis points, was {cap_bps}",
    "CapUnderMinimum": (
        "Expected a smallest bid from 1 to the cap of {cap_lots} lots, was {min_bid_lots}"
    ),
    "PricingNotOffered": "Expected PAY_AS_BID with TOP_THEN_ROUND_ROBIN, was pricing {pricing}",
    "MinimumRaiseUnreachable": (
        "Expected a minimum raise of at most {most}, was {minimum_raise}: "
        "the whole supply brings no more"
    ),
    "WindowInvalid": "Expected a bid window that ends in the future, was {start} to {end}",
    "CancelInvalid": "Expected cancel_until at most the end {end}, was {cancel_until}",
    "AllocatorWindowInvalid": (
        "Expected allocator_until from the end to {latest}, was {allocator_until}"
    ),
    "AbortTimeInvalid": "Expected abort_time from {earliest} to {latest}, was {abort_time}",
    "VestingInvalid": (
        "Expected vesting times in order, was {vesting_start}, {vesting_cliff}, {vesting_end}"
    ),
    "FundingMismatch": "Expected {expected} sale tokens to arrive, was {received}",
    # Bids
    "NotOpen": "The sale takes bids from {start}: it has not begun",
    "WindowClosed": "The sale took bids until {end}: it is over",
    "TickOutOfRange": "Expected a tick below {tick_count}, was {tick}",
    "BidTooSmall": "Expected a bid of at least {min_bid_lots} lots, was {lots}",
    "OverCap": "Expected at most {cap_lots} lots of one bidder, was {lots}",
    "TooManyBids": "Expected at most {max} live bids of {bidder}",
    "TickFull": "No more bids fit at tick {tick}: choose another",
    "NotAdmitted": "The sale takes admitted bidders only, and {bidder} is not",
    "NoGate": "The sale has no gate: everybody can bid",
    "AlreadyAdmitted": "The bidder {bidder} is already admitted, as {entity}",
    "EntityZero": "Expected an entity other than zero",
    "AdmissionExpired": "The admission expired at {deadline}: ask for a new one",
    "SignatureInvalid": "Expected a signature of {signer} over this message, chain and contract",
    "PaymentMismatch": "Expected {expected} payment tokens to arrive, was {received}",
    "EtherNotAccepted": "The sale takes no ether: its payment token is not wrapped ether",
    "PermitRefused": "The permit was refused; expected an allowance of {expected}, was {allowance}",
    "NoSuchBid": "Expected a live bid {index} of {bidder}, was none",
    "CancelClosed": "Bids could be cancelled until {cancel_until}",
    # Clearing
    "NotClosed": "The sale clears from {end}: it is not closed",
    "AlreadyDecided": "The sale already has a result, phase {phase}",
    "ClearingExpired": "The sale could be cleared until {abort_time}: it can be aborted",
    "AllocatorWindow": "Until {allocator_until} only a clearing signed by the allocator counts",
    "DigestUnsigned": "Expected no digest in a clearing without signature, was {digest}",
    "WrongMarginalTick": "Expected the marginal tick {expected}, was {given}",
    "MarginNotNeeded": (
        "Expected level 0, cut 0 and no margin where no bid is cut, "
        "was level {level}, cut {cut} and {bids} bids"
    ),
    "MarginBidInvalid": (
        "Expected live bids of the margin in arrival order, was one out of place: key {key}"
    ),
    "CutInvalid": "The bid at cut {cut} asks only {lots} lots: it would not be cut",
    "MarginIncomplete": "Bids of the margin for {unshown_lots} lots were not shown",
    "OverAllocated": "Level and cut give {given} lots where {left} are left",
    "UnderAllocated": "Level and cut leave {left} lots to nobody",
    "CutMissing": "Expected a bid of the margin with arrival {cut}, was none",
    "EscrowShort": "The sale holds {held} of {token} and owes at least {owed}",
    "AbortTooEarly": "The sale can be aborted from {abort_time}",
    # Claims
    "NotDecided": "The sale has no result yet",
    "NothingToClaim": "Nothing is owed to {bidder} now",
    "NothingToCollect": "Nothing to collect: already collected, or none",
    "RecipientInvalid": "Expected a recipient other than zero and the contract, was {recipient}",
    # Tokens
    "ERC20InsufficientBalance": "Expected a balance of at least {needed}, was {balance}: {sender}",
    "ERC20InsufficientAllowance": (
        "Expected an allowance of at least {needed} for {spender}, was {allowance}"
    ),
    "ERC2612ExpiredSignature": "The permit expired at {deadline}: sign a new one",
    "ERC2612InvalidSigner": "Expected a permit signed by {owner}, was {signer}",
    "SafeERC20FailedOperation": "The token {token} refused a transfer",
}
