// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Two lanes of an account in one storage word
/// @notice The lower half is the even lane. A half holds the lots filled (64 bits) of the last sequence (32), and the
/// time from which a cancel counts (32; 0 for none), which is enough until the year 2106.
library LaneWord {
    /// @notice Where the word of `lane` is kept.
    function key(address account, uint256 lane) internal pure returns (uint256) {
        return (uint256(uint160(account)) << 32) | (lane >> 1);
    }

    /// @notice The half of `lane`.
    function half(uint256 word, uint256 lane) internal pure returns (uint256) {
        unchecked {
            return (word << (128 - _shift(lane))) >> 128;
        }
    }

    /// @notice `word` with the half of `lane`, which is `before`, replaced by `next`.
    function withHalf(uint256 word, uint256 lane, uint256 before, uint256 next) internal pure returns (uint256) {
        return word ^ ((before ^ next) << _shift(lane));
    }

    /// @notice A half. The caller keeps each part in its bounds.
    function pack(uint256 filledLots, uint256 sequence, uint256 cancelAt_) internal pure returns (uint256) {
        return filledLots | (sequence << 64) | (cancelAt_ << 96);
    }

    function filled(uint256 half_) internal pure returns (uint256) {
        return (half_ << 192) >> 192;
    }

    function last(uint256 half_) internal pure returns (uint256) {
        return (half_ << 160) >> 224;
    }

    function cancelAt(uint256 half_) internal pure returns (uint256) {
        return half_ >> 96;
    }

    function _shift(uint256 lane) private pure returns (uint256) {
        return (lane & 1) << 7;
    }
}
