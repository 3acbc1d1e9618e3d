"""A token whose whole supply exists from the start.

constructor
├── it gives the whole supply to the holder and emits {Transfer} from nobody
├── it keeps name, symbol and 18 decimals
└── it refuses the zero address as holder
the token
└── it has no way to make more, nor an owner
"""

from __future__ import annotations

import pytest
from ape.exceptions import ContractLogicError

from tests.contracts.support import MAX, ZERO


@pytest.mark.parametrize("supply", [0, 1, 10**27, MAX])
def test_gives_the_whole_supply_to_the_holder(project, chain, issuer, bidder, supply):
    token = issuer.deploy(project.FixedSupplyToken, "Name", "SYM", supply, bidder)
    assert token.totalSupply() == token.balanceOf(bidder) == supply
    assert token.balanceOf(issuer) == 0
    assert (token.name(), token.symbol(), token.decimals()) == ("Name", "SYM", 18)
    (minted,) = token.Transfer.range(chain.blocks.height + 1)
    assert minted == token.Transfer(**{"from": ZERO, "to": bidder, "value": supply})


def test_refuses_to_give_it_to_nobody(project, issuer):
    with pytest.raises(ContractLogicError, match=ZERO):
        issuer.deploy(project.FixedSupplyToken, "Name", "SYM", 1, ZERO)


def test_has_no_functions_but_those_of_erc20_and_permit(project):
    names = {method.name for method in project.FixedSupplyToken.contract_type.methods}
    assert names == {
        *("name", "symbol", "decimals", "totalSupply", "balanceOf", "allowance"),
        *("approve", "transfer", "transferFrom"),
        *("permit", "nonces", "DOMAIN_SEPARATOR", "eip712Domain"),
    }
