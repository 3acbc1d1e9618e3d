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

    /// @notice Room for `count` entries, empty, and before them for a table of where each begins.
    function allocate(uint256 count) internal pure returns (uint256 table) {
        assembly ("memory-safe") {
            table := mload(0x40)
            let size := mul(count, add(SIZE, 0x20))
            mstore(0x40, add(table, size))
            // There is nothing behind the end of calldata: zeros.
            calldatacopy(table, calldatasize(), size)
        }
    }

    /// @notice The first of `count` entries behind `table`.
    function first(uint256 table, uint256 count) internal pure returns (Entry) {
        unchecked {
            return Entry.wrap(table + count * 0x20);
        }
    }

    /// @notice The entry behind this one.
    function next(Entry entry) internal pure returns (Entry) {
        unchecked {
            return Entry.wrap(Entry.unwrap(entry) + SIZE);
        }
    }

    /// @notice Entry `i` of `table`. The caller keeps `i` under the count.
    function pick(uint256 table, uint256 i) internal pure returns (Entry entry) {
        assembly ("memory-safe") {
            entry := mload(add(table, shl(5, i)))
        }
    }

    /// @notice Say which order an empty entry is of, and keep its place in the table.
    /// @return The next place in the table.
    function write(Entry entry, uint256 place, uint256 maker_, uint256 terms_, bytes32 digest)
        internal
        pure
        returns (uint256)
    {
        assembly ("memory-safe") {
            mstore(place, entry)
            mstore(entry, terms_)
            mstore(add(entry, MAKER), maker_)
            mstore(add(entry, DIGEST), digest)
            place := add(place, 0x20)
        }
        return place;
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
