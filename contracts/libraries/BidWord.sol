// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Three bids in one storage word
/// @notice Layout from the lowest bit: three entries of 76 bits, then two flags.
/// An entry is `arrival` (32 bits) | `lots` (32) | `tick` (12), `tick` lowest. An entry of a cancelled bid
/// is {CANCELLED}, without lots and arrival; an entry never used is zero. The flags count in the first word of a bidder only.
/// @dev A bidder's next word is in use only if all entries of this one have been used, so a reader knows where to
/// stop without a counter.
library BidWord {
    uint256 internal constant ENTRIES = 3;
    uint256 internal constant ENTRY_BITS = 76;
    uint256 internal constant MAX_TICKS = 1 << 12;
    uint256 internal constant CANCELLED = 1;
    uint256 internal constant TOKENS_DONE = 1 << 228;
    uint256 internal constant REFUND_DONE = 1 << 229;

    uint256 private constant ENTRY_MASK = (1 << ENTRY_BITS) - 1;
    uint256 private constant TICK_MASK = MAX_TICKS - 1;

    /// @notice Entry `i` (0 to 2) of `word`.
    function entry(uint256 word, uint256 i) internal pure returns (uint256) {
        unchecked {
            return (word >> (i * ENTRY_BITS)) & ENTRY_MASK;
        }
    }

    /// @notice `word` with entry `i` (0 to 2) replaced.
    function withEntry(uint256 word, uint256 i, uint256 e) internal pure returns (uint256) {
        unchecked {
            uint256 shift = i * ENTRY_BITS;
            return (word & ~(ENTRY_MASK << shift)) | (e << shift);
        }
    }

    /// @notice Whether all entries have been used, so that another word may follow.
    function isUsedUp(uint256 word) internal pure returns (bool) {
        return entry(word, 0) != 0 && entry(word, 1) != 0 && entry(word, 2) != 0;
    }

    /// @notice An entry. The caller keeps `t < MAX_TICKS` and `lots` and `position` under 2**32.
    function pack(uint256 t, uint256 q, uint256 position) internal pure returns (uint256) {
        return (position << 44) | (q << 12) | t;
    }

    /// @notice Price of an entry, in ticks.
    function tick(uint256 e) internal pure returns (uint256) {
        return e & TICK_MASK;
    }

    /// @notice Lots of an entry; 0 if cancelled or never used.
    function lots(uint256 e) internal pure returns (uint256) {
        return (e >> 12) & type(uint32).max;
    }

    /// @notice Arrival of an entry, from 1; 0 if cancelled or never used.
    function arrival(uint256 e) internal pure returns (uint256) {
        return (e >> 44) & type(uint32).max;
    }
}
