// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Terms} from "../interfaces/ITokenSale.sol";
import {TokenSale} from "../TokenSale.sol";

/// @title A sale that has seen more bids than a test can place
contract MockAgedSale is TokenSale {
    constructor(Terms memory t, address wrappedEther_) TokenSale(t, wrappedEther_) {}

    /// @notice Let tick 0 count `bids` bids so far and `lots` live lots, and the sale `arrivals` bids at all ticks.
    function age(uint256 bids, uint256 lots, uint256 arrivals) external {
        _lanes[0] = (bids << 40) | lots;
        // The private counter of arrivals is kept behind the 1,024 words of lanes.
        assembly ("memory-safe") {
            sstore(add(_lanes.slot, 1024), arrivals)
        }
    }
}
