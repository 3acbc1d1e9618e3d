// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// What runs for every order and fill is written by hand where that was measured to pay.
// solhint-disable no-inline-assembly

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {ExchangeOrders} from "./ExchangeOrders.sol";
import {IExchange} from "./interfaces/IExchange.sol";
import {BalanceWord} from "./libraries/BalanceWord.sol";
import {BatchEntry, Entry} from "./libraries/BatchEntry.sol";
import {OrderDigest, Workshop} from "./libraries/OrderDigest.sol";
import {OrderTerms} from "./libraries/OrderTerms.sol";
import {Signatures} from "./libraries/Signatures.sol";

/// @title Settlement of batches
/// @dev Three passes: check the orders, count the fills, book the orders. Nothing foreign is called, so nothing needs a
/// guard against reentrancy. What runs once per order or fill decides what trading costs: it is the ordinary case, in
/// assembly, and stops at whatever is not ordinary, which is then dealt with or refused in plain Solidity.
/// @custom:security-contact security@gavelbook.example
abstract contract ExchangeSettlement is ExchangeOrders {
    using BalanceWord for uint256;
    using OrderTerms for uint256;

    /// @dev A batch and its market. In memory as a whole, since the loops have no room for it on the stack.
    struct Batch {
        uint256 market;
        uint256 takerFeeBps;
        uint256 makerFeeBps;
        uint256 number;
        uint256 orderCount;
        bytes32 contentHash;
        // Where in calldata orders and fills begin, and the fills end.
        uint256 orders;
        uint256 fills;
        uint256 end;
        // The entry of the first order.
        Entry entries;
        // What the events of all fills have in common.
        uint256 common;
        // The {Market}, as {MarketTerms} holds it.
        address base;
        uint256 maxTakerFeeBps;
        uint256 maxMakerFeeBps;
        address quote;
        uint256 lotSize;
        uint256 tickValue;
    }

    uint256 private constant HEADER_BYTES = 48;
    uint256 private constant LOG_HEAD_BYTES = 32;
    uint256 private constant ORDER_BYTES = 116;
    uint256 private constant TERMS_AT = 20;
    uint256 private constant R_AT = 52;
    uint256 private constant FILL_BYTES = 12;

    uint256 private constant BPS = 10_000;

    // For assembly: places in {Batch}, ...
    uint256 private constant TAKER_FEE = 0x20;
    uint256 private constant MAKER_FEE = 0x40;
    uint256 private constant ORDER_COUNT = 0x80;
    uint256 private constant END = 0x100;
    uint256 private constant ENTRIES = 0x120;
    uint256 private constant COMMON = 0x140;
    uint256 private constant MARKET = 0x160;
    uint256 private constant LOT_SIZE = 0x1e0;
    uint256 private constant TICK_VALUE = 0x200;
    uint256 private constant MARKET_BYTES = 0xc0;
    // ... in {BatchEntry}, ...
    uint256 private constant MAKER = 0x20;
    uint256 private constant DIGEST = 0x40;
    uint256 private constant LOTS = 0x60;
    uint256 private constant QUOTE = 0x80;
    uint256 private constant ENTRY_BYTES = 0xa0;
    // ... in {OrderTerms}, ...
    uint256 private constant LOTS_BYTE = 1;
    uint256 private constant TICKS_BYTE = 9;
    uint256 private constant LANE_AT = 88;
    uint256 private constant SEQUENCE_AT = 56;
    // ... in {LaneWord}, {BalanceWord} and the event of a fill.
    uint256 private constant LAST_AT = 64;
    uint256 private constant EXIT_AT = 216;
    uint256 private constant TAKER_SELLS_AT = 232;
    uint256 private constant U16 = 0xffff;
    uint256 private constant U31 = 0x7fffffff;
    uint256 private constant U32 = 0xffffffff;

    bytes32 private constant BATCH_TYPEHASH = keccak256("Batch(uint256 market,uint256 number,bytes32 contentHash)");

    /// @inheritdoc IExchange
    function settle(bytes32 r, bytes32 vs, bytes calldata batch) external {
        Batch memory b = _parse(batch);
        bytes32 domain = _domainSeparatorV4();
        _admit(b, domain, r, vs);
        _loadMarket(b);
        _checkOrders(b, domain);
        uint256 fees = _countFills(b);
        bool deferred = _bookOrders(b);
        if (fees != 0) _credit(b.quote, feeRecipient, fees);
        if (deferred) _bookDeferred(b);
        bytes32 logHead = bytes32(_word(b.orders - LOG_HEAD_BYTES));
        emit BatchSettled(b.number, b.market, logHead, b.contentHash, fees);
    }

    function _parse(bytes calldata batch) private pure returns (Batch memory b) {
        uint256 start;
        assembly ("memory-safe") {
            start := batch.offset
        }
        uint256 head = _word(start);
        b.market = head >> 240;
        b.takerFeeBps = (head << 16) >> 240;
        b.makerFeeBps = (head << 32) >> 240;
        b.number = (head << 48) >> 192;
        b.orderCount = (head << 112) >> 240;
        b.contentHash = _hash(batch);
        unchecked {
            b.orders = start + HEADER_BYTES;
            b.fills = b.orders + b.orderCount * ORDER_BYTES;
            b.end = start + batch.length;
            b.common = (b.market << 240) | (b.takerFeeBps << 216) | (b.makerFeeBps << 200) | (b.number << 136);
            // A batch shorter than its header ends before its fills, whatever is read for what is missing.
            if (b.end <= b.fills || (b.end - b.fills) % FILL_BYTES != 0) revert MalformedBatch(batch.length);
        }
    }

    /// @dev The hash of `content`, over memory that stays free: what comes after takes the same place.
    function _hash(bytes calldata content) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            calldatacopy(start, content.offset, content.length)
            hash := keccak256(start, content.length)
        }
    }

    /// @dev Let only the next batch of the matcher pass, once.
    function _admit(Batch memory b, bytes32 domain, bytes32 r, bytes32 vs) private {
        (address matcher_, uint256 last, bool stopped) = (_head.matcher, _head.lastBatch, _head.paused);
        if (stopped) revert ExchangePaused();
        if (!Signatures.isOfKey(r, vs, matcher_, _batchDigest(b, domain))) revert BadMatcherSignature();
        unchecked {
            if (b.number != last + 1) revert WrongBatchNumber(last + 1, b.number);
            _head.lastBatch = uint64(last + 1);
        }
    }

    function _batchDigest(Batch memory b, bytes32 domain) private pure returns (bytes32) {
        bytes32 hash = keccak256(abi.encode(BATCH_TYPEHASH, b.market, b.number, b.contentHash));
        return MessageHashUtils.toTypedDataHash(domain, hash);
    }

    /// @dev Code that is not there reads as zeros, and no market has a base token of zero.
    function _loadMarket(Batch memory b) private view {
        address terms = _termsOf(b.market);
        assembly ("memory-safe") {
            extcodecopy(terms, add(b, MARKET), 0, MARKET_BYTES)
        }
        if (b.base == address(0)) revert UnknownMarket(b.market);
        if (b.takerFeeBps > b.maxTakerFeeBps) revert FeeAboveMarket(b.maxTakerFeeBps, b.takerFeeBps);
        if (b.makerFeeBps > b.maxMakerFeeBps) revert FeeAboveMarket(b.maxMakerFeeBps, b.makerFeeBps);
    }

    /// @dev Check signature and expiry of every order, and make an entry for each.
    function _checkOrders(Batch memory b, bytes32 domain) private view {
        Entry entry = BatchEntry.allocate(b.orderCount);
        b.entries = entry;
        Workshop shop = OrderDigest.open(b.base, b.quote, b.market, domain);
        (uint256 end, uint256 lotSize, uint256 tickValue) = (b.fills, b.lotSize, b.tickValue);
        unchecked {
            for (uint256 order = b.orders; order != end; order += ORDER_BYTES) {
                uint256 maker = _word(order) >> 96;
                uint256 terms = _word(order + TERMS_AT);
                bytes32 digest = shop.digest(order, lotSize, tickValue);
                if (!shop.isValid(maker, terms, digest, order + R_AT)) terms = _requireApproved(b, order, digest);
                entry.write(maker, terms, digest);
                entry = entry.next();
            }
        }
    }

    /// @dev Let an order pass that its maker has approved here; say why it is refused otherwise.
    /// @return terms Those of the order, without the flag of the approval.
    function _requireApproved(Batch memory b, uint256 order, bytes32 digest) private view returns (uint256 terms) {
        uint256 index = (order - b.orders) / ORDER_BYTES;
        terms = _word(order + TERMS_AT);
        if (terms >= OrderTerms.FLAGS_END) revert MalformedBatch(b.end - b.orders + HEADER_BYTES);
        if (block.timestamp > terms.expiry()) revert OrderExpired(index, terms.expiry());
        address maker = address(uint160(_word(order) >> 96));
        if (!terms.isApproved() || block.timestamp >= approvalOf[maker][digest]) revert BadOrderSignature(index);
        return terms ^ OrderTerms.APPROVED;
    }

    /// @dev Check every fill, announce it and add it to the entries of its orders, until one is to be refused.
    /// @return fees Quote units of all fees.
    function _countFills(Batch memory b) private returns (uint256 fees) {
        bytes32 topic = Fill.selector;
        uint256 fill = b.fills;
        assembly ("memory-safe") {
            let event_ := mload(0x40)
            for { let end := mload(add(b, END)) } lt(fill, end) { fill := add(fill, FILL_BYTES) } {
                let taker := shr(240, calldataload(fill))
                let maker := shr(240, calldataload(add(fill, 2)))
                {
                    let count := mload(add(b, ORDER_COUNT))
                    if iszero(and(lt(taker, count), lt(maker, count))) { break }
                    let entries := mload(add(b, ENTRIES))
                    taker := add(entries, mul(taker, ENTRY_BYTES))
                    maker := add(entries, mul(maker, ENTRY_BYTES))
                }
                let lots := shr(192, calldataload(add(fill, 4)))
                let ticks := mload(maker)
                {
                    let terms := mload(taker)
                    // Terms of an entry have no flag but the side.
                    let sells := byte(0, terms)
                    let bad := or(eq(sells, byte(0, ticks)), iszero(lots))
                    bad := or(bad, gt(mload(add(b, TAKER_FEE)), and(terms, U16)))
                    bad := or(bad, gt(mload(add(b, MAKER_FEE)), and(ticks, U16)))
                    ticks := shr(192, mload(add(maker, TICKS_BYTE)))
                    // Above zero where the price is worse for the taker than the limit.
                    let worse := mul(sub(ticks, shr(192, mload(add(taker, TICKS_BYTE)))), sub(1, shl(1, sells)))
                    bad := or(bad, eq(mload(add(taker, MAKER)), mload(add(maker, MAKER))))
                    if or(bad, sgt(worse, 0)) { break }
                    mstore(event_, mload(add(maker, DIGEST)))
                    mstore(add(event_, 0x20), mload(add(taker, DIGEST)))
                    terms := or(or(shl(TAKER_SELLS_AT, sells), shl(64, ticks)), lots)
                    mstore(add(event_, 0x40), or(mload(add(b, COMMON)), terms))
                    log1(event_, 0x60, topic)
                }
                // Under 2**236.
                let quote := mul(mul(lots, ticks), mload(add(b, TICK_VALUE)))
                let fee := div(mul(quote, mload(add(b, TAKER_FEE))), BPS)
                // Positive for the taker where it sells.
                let gain := sub(0, quote)
                if byte(0, mload(taker)) { gain := quote }
                mstore(add(taker, LOTS), add(mload(add(taker, LOTS)), lots))
                mstore(add(taker, QUOTE), add(mload(add(taker, QUOTE)), sub(gain, fee)))
                fees := add(fees, fee)
                fee := div(mul(quote, mload(add(b, MAKER_FEE))), BPS)
                mstore(add(maker, LOTS), add(mload(add(maker, LOTS)), lots))
                mstore(add(maker, QUOTE), sub(mload(add(maker, QUOTE)), add(gain, fee)))
                fees := add(fees, fee)
            }
        }
        if (fill != b.end) _refuseFill(b, fill);
    }

    /// @dev Say why the fill at `fill` is refused, which {_countFills} has found out.
    function _refuseFill(Batch memory b, uint256 fill) private pure {
        uint256 index = (fill - b.fills) / FILL_BYTES;
        uint256 word = _word(fill);
        (uint256 takerIndex, uint256 makerIndex, uint256 count) = (word >> 240, (word << 16) >> 240, b.orderCount);
        if (takerIndex >= count) revert OrderIndexInvalid(index, takerIndex, count);
        if (makerIndex >= count) revert OrderIndexInvalid(index, makerIndex, count);
        if ((word << 32) >> 192 == 0) revert FillEmpty(index);
        (Entry taker, Entry maker) = (b.entries.pick(takerIndex), b.entries.pick(makerIndex));
        (uint256 takerTerms, uint256 makerTerms) = (taker.terms(), maker.terms());
        if ((takerTerms ^ makerTerms) & OrderTerms.SELL == 0) revert SameSide(index);
        if (taker.maker() == maker.maker()) revert SelfTrade(index, maker.maker());
        if (b.takerFeeBps > takerTerms.maxFeeBps()) {
            revert FeeAboveOrder(takerIndex, index, takerTerms.maxFeeBps(), b.takerFeeBps);
        }
        if (b.makerFeeBps > makerTerms.maxFeeBps()) {
            revert FeeAboveOrder(makerIndex, index, makerTerms.maxFeeBps(), b.makerFeeBps);
        }
        revert PriceOutsideLimit(index, makerTerms.ticks(), takerTerms.ticks());
    }

    /// @dev Count the fills in the lanes and move balances: at once where an order is ordinary, otherwise all credits
    /// before the debits.
    /// @return deferred Whether debits are still to be made.
    function _bookOrders(Batch memory b) private returns (bool deferred) {
        Entry entry = b.entries;
        uint256 end = Entry.unwrap(entry) + b.orderCount * ENTRY_BYTES;
        while (true) {
            entry = _bookOrdinary(b, entry, end);
            if (Entry.unwrap(entry) == end) return deferred;
            _bookCredit(b, b.orderCount - (end - Entry.unwrap(entry)) / ENTRY_BYTES, entry);
            entry.defer();
            deferred = true;
            entry = entry.next();
        }
    }

    /// @dev Book the orders from `entry` on, until one is not ordinary: unused, cancelled, void or overfilled, or with an
    /// exit of its maker, or too little in the balance so far, or too much.
    /// @return The entry of that order, or `end`.
    function _bookOrdinary(Batch memory b, Entry entry, uint256 end) private returns (Entry) {
        mapping(address account => Balance) storage bases = _balances[b.base];
        mapping(address account => Balance) storage quotes = _balances[b.quote];
        assembly ("memory-safe") {
            for {} lt(entry, end) { entry := add(entry, ENTRY_BYTES) } {
                let terms := mload(entry)
                let maker := mload(add(entry, MAKER))
                let filled := mload(add(entry, LOTS))
                let nextQuote := mload(add(entry, QUOTE))
                let nextBase := mul(filled, mload(add(b, LOT_SIZE)))
                if byte(0, terms) { nextBase := sub(0, nextBase) }
                mstore(0, maker)
                mstore(0x20, bases.slot)
                let baseSlot := keccak256(0, 0x40)
                mstore(0x20, quotes.slot)
                let quoteSlot := keccak256(0, 0x40)
                {
                    let word := sload(baseSlot)
                    nextBase := add(word, nextBase)
                    let unusual := or(word, nextBase)
                    word := sload(quoteSlot)
                    nextQuote := add(word, nextQuote)
                    if shr(EXIT_AT, or(unusual, or(word, nextQuote))) { break }
                }
                mstore(0, or(shl(32, maker), and(shr(add(LANE_AT, 1), terms), U31)))
                mstore(0x20, _lanes.slot)
                let laneSlot := keccak256(0, 0x40)
                let word := sload(laneSlot)
                {
                    let shift := and(shr(sub(LANE_AT, 7), terms), 0x80)
                    let half := shr(128, shl(sub(128, shift), word))
                    // Where there is a cancel the last sequence looks higher than any.
                    let last := shr(LAST_AT, half)
                    let sequence := and(shr(SEQUENCE_AT, terms), U32)
                    let unusual := or(lt(sequence, last), iszero(filled))
                    filled := add(filled, mul(eq(sequence, last), xor(half, shl(LAST_AT, last))))
                    if or(unusual, gt(filled, shr(192, mload(add(entry, LOTS_BYTE))))) { break }
                    word := xor(word, shl(shift, xor(half, or(filled, shl(LAST_AT, sequence)))))
                }
                sstore(laneSlot, word)
                sstore(baseSlot, nextBase)
                sstore(quoteSlot, nextQuote)
            }
        }
        return entry;
    }

    /// @dev Count the fills of one order, whatever it is, in its lane, and credit what it brings.
    function _bookCredit(Batch memory b, uint256 index, Entry entry) private {
        (uint256 terms, address maker) = (entry.terms(), entry.maker());
        if (entry.lots() == 0) revert OrderUnused(index);
        _fillLane(index, maker, terms, entry.lots());
        address token = terms.isSell() ? b.quote : b.base;
        uint256 amount = terms.isSell() ? entry.quoteGained() : entry.lots() * b.lotSize;
        _requireNotOut(maker, token);
        _credit(token, maker, amount);
    }

    /// @dev Debit what the orders cost whose debit was deferred.
    function _bookDeferred(Batch memory b) private {
        Entry entry = b.entries;
        for (uint256 i; i < b.orderCount; ++i) {
            if (entry.isDeferred()) {
                (uint256 terms, address maker) = (entry.terms(), entry.maker());
                address token = terms.isSell() ? b.base : b.quote;
                uint256 amount = terms.isSell() ? entry.lots() * b.lotSize : entry.quotePaid();
                _requireNotOut(maker, token);
                _debit(token, maker, amount);
            }
            entry = entry.next();
        }
    }

    function _requireNotOut(address account, address token) private view {
        uint256 word = _balances[token][account].word;
        if (word.isOut()) revert AccountExited(account, token, word.exitAt());
    }

    function _word(uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(offset)
        }
    }
}
