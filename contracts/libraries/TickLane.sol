// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Totals of four ticks in one storage word
/// @notice A lane of 64 bits holds the live lots of a tick (lower 40 bits) and the number of bids ever placed there
/// (upper 24 bits). Lane `t % 4` of word `t / 4` belongs to tick `t`.
library TickLane {
    uint256 internal constant LANES = 4;
    uint256 internal constant MAX_LOTS = (1 << 40) - 1;
    uint256 internal constant MAX_BIDS = (1 << 24) - 1;
    /// @dev The lots of all four lanes: a word without these bits has no demand.
    uint256 internal constant LOTS_MASK = MAX_LOTS | (MAX_LOTS << 64) | (MAX_LOTS << 128) | (MAX_LOTS << 192);

    /// @notice Live lots in lane `i` (0 to 3).
    function lots(uint256 word, uint256 i) internal pure returns (uint256) {
        return (word >> (i << 6)) & MAX_LOTS;
    }

    /// @notice Bids ever placed in lane `i` (0 to 3).
    function bids(uint256 word, uint256 i) internal pure returns (uint256) {
        return (word >> ((i << 6) | 40)) & MAX_BIDS;
    }

    /// @notice `word` after one more bid of `q` lots in lane `i`. The caller checks {MAX_LOTS} and {MAX_BIDS}.
    function withBid(uint256 word, uint256 i, uint256 q) internal pure returns (uint256) {
        unchecked {
            return word + (((1 << 40) | q) << (i << 6));
        }
    }

    /// @notice `word` after a bid of `q` lots in lane `i` was cancelled. The caller knows the lots are there.
    function withoutLots(uint256 word, uint256 i, uint256 q) internal pure returns (uint256) {
        unchecked {
            return word - (q << (i << 6));
        }
    }
}
