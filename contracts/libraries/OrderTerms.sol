// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title The terms of an order in one word, as they stand in a batch
/// @notice From the highest bit: flags (8), lots (64), ticks (64), lane (32), sequence (32), expiry (40), highest fee
/// (16). Fields are cut out by two shifts, which is cheaper than a mask.
library OrderTerms {
    uint256 internal constant SELL = 1 << 248;
    uint256 internal constant APPROVED = 1 << 249;
    /// @dev Terms from here on have flags that mean nothing.
    uint256 internal constant FLAGS_END = 1 << 250;

    function isSell(uint256 terms) internal pure returns (bool) {
        return terms & SELL != 0;
    }

    function isApproved(uint256 terms) internal pure returns (bool) {
        return terms & APPROVED != 0;
    }

    function lots(uint256 terms) internal pure returns (uint256) {
        return (terms << 8) >> 192;
    }

    function ticks(uint256 terms) internal pure returns (uint256) {
        return (terms << 72) >> 192;
    }

    function lane(uint256 terms) internal pure returns (uint256) {
        return (terms << 136) >> 224;
    }

    function sequence(uint256 terms) internal pure returns (uint256) {
        return (terms << 168) >> 224;
    }

    function expiry(uint256 terms) internal pure returns (uint256) {
        return (terms << 200) >> 216;
    }

    function maxFeeBps(uint256 terms) internal pure returns (uint256) {
        return (terms << 240) >> 240;
    }
}
