// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// What runs for every order and fill is written by hand where that was measured to pay.
// solhint-disable no-inline-assembly

import {OrderTerms} from "./OrderTerms.sol";

/// @notice Where in memory the workshop of {OrderDigest} begins.
type Workshop is uint256;

using OrderDigest for Workshop global;

/// @title The EIP-712 digest of an order, and who signed it
/// @notice Memory is laid out once for all orders of a market: the typed data in the 12 words that EIP-712 wants, then
/// what is hashed into the digest, then what `ecrecover` takes. For each order only what differs is written.
library OrderDigest {
    using OrderTerms for uint256;

    // Places of the words of the typed data.
    uint256 private constant SIDE = 0x20;
    uint256 private constant BASE_AMOUNT = 0x40;
    uint256 private constant BASE_TOKEN = 0x60;
    uint256 private constant QUOTE_LIMIT = 0x80;
    uint256 private constant QUOTE_TOKEN = 0xa0;
    uint256 private constant MAX_FEE_BPS = 0xc0;
    uint256 private constant MAKER = 0xe0;
    uint256 private constant MARKET = 0x100;
    uint256 private constant LANE = 0x120;
    uint256 private constant SEQUENCE = 0x140;
    uint256 private constant EXPIRY = 0x160;
    uint256 private constant TYPED_DATA_BYTES = 0x180;
    // "\x19\x01", domain separator, hash of the typed data: the first two bytes at the end of a word.
    uint256 private constant PREFIX = 0x180;
    uint256 private constant DIGEST_INPUT = 0x19e;
    uint256 private constant DOMAIN = 0x1a0;
    uint256 private constant STRUCT_HASH = 0x1c0;
    uint256 private constant DIGEST_INPUT_BYTES = 0x42;
    // Digest, v, r, s.
    uint256 private constant RECOVERY_INPUT = 0x1e0;
    uint256 private constant V = 0x200;
    uint256 private constant R = 0x220;
    uint256 private constant S = 0x240;
    uint256 private constant RECOVERY_INPUT_BYTES = 0x80;
    uint256 private constant END = 0x260;

    uint256 private constant ECRECOVER = 1;
    uint256 private constant APPROVED_BIT = 249;

    bytes32 internal constant BUY_HASH = keccak256("buy");
    bytes32 internal constant SELL_HASH = keccak256("sell");
    bytes32 internal constant TYPE_HASH = keccak256(
        "Order(string side,uint256 baseAmount,address baseToken,uint256 quoteLimit,address quoteToken,"
        "uint256 maxFeeBps,address maker,uint256 market,uint256 lane,uint256 sequence,uint256 expiry)"
    );

    /// @notice Lay out what all orders of market `id` have in common.
    function open(address base, address quote, uint256 id, bytes32 domainSeparator)
        internal
        pure
        returns (Workshop shop)
    {
        bytes32 typeHash = TYPE_HASH;
        assembly ("memory-safe") {
            shop := mload(0x40)
            mstore(0x40, add(shop, END))
            mstore(shop, typeHash)
            mstore(add(shop, BASE_TOKEN), base)
            mstore(add(shop, QUOTE_TOKEN), quote)
            mstore(add(shop, MARKET), id)
            mstore(add(shop, PREFIX), 0x1901)
            mstore(add(shop, DOMAIN), domainSeparator)
        }
    }

    /// @notice The digest of the order that begins at `order` of calldata, as it stands in a batch.
    function digest(Workshop shop, uint256 order, uint256 lotSize, uint256 tickValue)
        internal
        pure
        returns (bytes32 hash)
    {
        (bytes32 buy, bytes32 sell) = (BUY_HASH, SELL_HASH);
        assembly ("memory-safe") {
            let terms := calldataload(add(order, 20))
            let lots := shr(192, calldataload(add(order, 21)))
            switch and(1, byte(0, terms))
            case 0 { mstore(add(shop, SIDE), buy) }
            default { mstore(add(shop, SIDE), sell) }
            // Under 2**192 and 2**236: nothing overflows.
            mstore(add(shop, BASE_AMOUNT), mul(lots, lotSize))
            mstore(add(shop, QUOTE_LIMIT), mul(mul(lots, shr(192, calldataload(add(order, 29)))), tickValue))
            mstore(add(shop, MAX_FEE_BPS), and(terms, 0xffff))
            mstore(add(shop, MAKER), shr(96, calldataload(order)))
            mstore(add(shop, LANE), and(shr(88, terms), 0xffffffff))
            mstore(add(shop, SEQUENCE), and(shr(56, terms), 0xffffffff))
            mstore(add(shop, EXPIRY), and(shr(16, terms), 0xffffffffff))
            mstore(add(shop, STRUCT_HASH), keccak256(shop, TYPED_DATA_BYTES))
            hash := keccak256(add(shop, DIGEST_INPUT), DIGEST_INPUT_BYTES)
        }
    }

    /// @notice Whether the order is in time, has no flag but its side, and r and vs (ERC-2098), which begin at `signature`
    /// of calldata, are the signature of `maker`.
    function isValid(Workshop shop, uint256 maker, uint256 terms, bytes32 hash, uint256 signature)
        internal
        view
        returns (bool valid)
    {
        assembly ("memory-safe") {
            if iszero(or(shr(APPROVED_BIT, terms), gt(timestamp(), mload(add(shop, EXPIRY))))) {
                let vs := calldataload(add(signature, 0x20))
                mstore(add(shop, RECOVERY_INPUT), hash)
                mstore(add(shop, V), add(27, shr(255, vs)))
                mstore(add(shop, R), calldataload(signature))
                mstore(add(shop, S), shr(1, shl(1, vs)))
                // Nothing is returned where there is no signer: then this stays, which is no address.
                mstore(0, not(0))
                pop(staticcall(gas(), ECRECOVER, add(shop, RECOVERY_INPUT), RECOVERY_INPUT_BYTES, 0, 0x20))
                valid := eq(mload(0), maker)
            }
        }
    }
}
