// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// What runs for every order and fill is written by hand where that was measured to pay.
// solhint-disable no-inline-assembly

/// @notice Where in memory an entry begins.
type Entry is uint256;

using BatchEntry for Entry global;

/// @title An order of a batch while its fills are counted
/// @notice Five words of memory: terms ({OrderTerms}, without the flag of an approval), maker, digest, lots filled, and
/// the quote units that the maker gets, in two's complement as a buyer pays them. A batch has under 2**16 fills of under
/// 2**64 lots for under 2**237 quote units, so nothing overflows. A struct would be found through one more word, cleared
/// first and checked for its bounds at every use, and this is what settlement does most.
library BatchEntry {
    uint256 internal constant SIZE = 0xa0;

    uint256 private constant MAKER = 0x20;
    uint256 private constant DIGEST = 0x40;
    uint256 private constant LOTS = 0x60;
    uint256 private constant QUOTE = 0x80;

    /// @notice Room for `count` entries, empty.
    /// @return first The first of them.
    function allocate(uint256 count) internal pure returns (Entry first) {
        assembly ("memory-safe") {
            first := mload(0x40)
            let size := mul(count, SIZE)
            mstore(0x40, add(first, size))
            // There is nothing behind the end of calldata: zeros.
            calldatacopy(first, calldatasize(), size)
        }
    }

    /// @notice The entry behind this one.
    function next(Entry entry) internal pure returns (Entry) {
        unchecked {
            return Entry.wrap(Entry.unwrap(entry) + SIZE);
        }
    }

    /// @notice Entry `i` from `first` on. The caller keeps `i` under the count.
    function pick(Entry first, uint256 i) internal pure returns (Entry) {
        unchecked {
            return Entry.wrap(Entry.unwrap(first) + i * SIZE);
        }
    }

    /// @notice Say which order an empty entry is of.
    function write(Entry entry, uint256 maker_, uint256 terms_, bytes32 digest) internal pure {
        assembly ("memory-safe") {
            mstore(entry, terms_)
            mstore(add(entry, MAKER), maker_)
            mstore(add(entry, DIGEST), digest)
        }
    }

    /// @notice Mark that the debit of the order is still to be made. The digest is lost.
    function defer(Entry entry) internal pure {
        assembly ("memory-safe") {
            mstore(add(entry, DIGEST), 0)
        }
    }

    function isDeferred(Entry entry) internal pure returns (bool result) {
        assembly ("memory-safe") {
            result := iszero(mload(add(entry, DIGEST)))
        }
    }

    function terms(Entry entry) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := mload(entry)
        }
    }

    function maker(Entry entry) internal pure returns (address result) {
        assembly ("memory-safe") {
            result := mload(add(entry, MAKER))
        }
    }

    /// @notice Lots of all fills.
    function lots(Entry entry) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := mload(add(entry, LOTS))
        }
    }

    /// @notice Quote units that a seller gets, after fees.
    function quoteGained(Entry entry) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := mload(add(entry, QUOTE))
        }
    }

    /// @notice Quote units that a buyer pays, with fees.
    function quotePaid(Entry entry) internal pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := sub(0, mload(add(entry, QUOTE)))
        }
    }
}
