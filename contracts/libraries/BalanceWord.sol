// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title A balance in escrow in one storage word
/// @notice The amount (lower 216 bits) and the time from which it can be taken out (upper 40 bits; 0 for none).
library BalanceWord {
    uint256 internal constant MAX_AMOUNT = (1 << 216) - 1;

    function amount(uint256 word) internal pure returns (uint256) {
        return (word << 40) >> 40;
    }

    function exitAt(uint256 word) internal pure returns (uint256) {
        return word >> 216;
    }

    /// @notice Whether settlement can no longer use the balance.
    function isOut(uint256 word) internal view returns (bool) {
        unchecked {
            // No exit, 0, wraps around and is never reached.
            return exitAt(word) - 1 < block.timestamp;
        }
    }

    /// @notice `word` with an exit at `time`. The caller knows that it has none and that `time` is under 2**40.
    function withExit(uint256 word, uint256 time) internal pure returns (uint256) {
        return word | (time << 216);
    }
}
