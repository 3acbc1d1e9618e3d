// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Bid, ITokenSale, Rule} from "./interfaces/ITokenSale.sol";
import {BidWord} from "./libraries/BidWord.sol";
import {TickLane} from "./libraries/TickLane.sol";
import {SaleTerms} from "./SaleTerms.sol";

/// @title The bids of a sale
/// @notice Bids live three to a word under their bidder; the live lots of each tick are kept four to a word. A first
/// bid takes one new storage slot for itself, the next two none.
/// @custom:security-contact security@gavelbook.example
abstract contract SaleBook is SaleTerms {
    using BidWord for uint256;

    uint256 internal constant MAX_WORDS = 8;
    uint256 internal constant MAX_BIDS = MAX_WORDS * BidWord.ENTRIES;
    /// @dev Words for `BidWord.MAX_TICKS` ticks.
    uint256 private constant LANE_WORDS = 1024;

    /// @dev `bidder << 8 | word number` => three bids.
    mapping(uint256 key => uint256) internal _words;
    uint256[LANE_WORDS] internal _lanes;
    /// @dev Bids placed so far; kept under `TOP_THEN_ROUND_ROBIN` only, where bids of all ticks can tie.
    uint256 private _arrivals;

    /// @inheritdoc ITokenSale
    mapping(address bidder => bytes32) public entityOf;
    /// @inheritdoc ITokenSale
    mapping(bytes32 entity => uint256) public entityLots;

    /// @inheritdoc ITokenSale
    function bidsOf(address bidder) external view returns (Bid[] memory bids) {
        bids = new Bid[](MAX_BIDS);
        uint256 count;
        uint256 base = _wordKey(bidder, 0);
        for (uint256 w; w < MAX_WORDS; ++w) {
            uint256 word = _words[base | w];
            for (uint256 i; i < BidWord.ENTRIES; ++i) {
                uint256 e = word.entry(i);
                if (e.lots() != 0) bids[count++] = Bid(w * BidWord.ENTRIES + i, e.tick(), e.lots(), e.arrival());
            }
        }
        // Only the length shrinks; the memory behind it stays unused.
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            mstore(bids, count)
        }
    }

    /// @inheritdoc ITokenSale
    function lotsAt(uint256 from, uint256 count) external view returns (uint256[] memory lots) {
        lots = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            _requireTick(from + i);
            lots[i] = TickLane.lots(_lanes[(from + i) >> 2], (from + i) & 3);
        }
    }

    /// @dev Enter a bid; the escrow is the caller's business.
    function _place(address bidder, uint256 tick, uint256 lots) internal returns (uint256 index) {
        if (block.timestamp < _start) revert NotOpen(_start);
        if (block.timestamp >= _end) revert WindowClosed(_end);
        _requireTick(tick);
        if (lots < _minBidLots) revert BidTooSmall(lots, _minBidLots);
        if (lots > _capLots) revert OverCap(lots, _capLots);

        uint256 live;
        uint256 key;
        uint256 word;
        (index, key, word, live) = _freeEntry(bidder);
        if (_gate != address(0)) live = _countEntityLots(bidder, lots);
        else live += lots;
        if (live > _capLots) revert OverCap(live, _capLots);

        uint256 arrival = _enterTick(tick, lots);
        _words[key] = word.withEntry(index % BidWord.ENTRIES, BidWord.pack(tick, lots, arrival));
        emit BidPlaced(bidder, tick, index, lots, arrival);
    }

    /// @dev Take a bid out; paying it back is the caller's business.
    function _remove(address bidder, uint256 index) internal returns (uint256 tick, uint256 lots) {
        if (block.timestamp >= _cancelUntil) revert CancelClosed(_cancelUntil);
        uint256 key = _wordKey(bidder, index / BidWord.ENTRIES);
        uint256 word = index < MAX_BIDS ? _words[key] : 0;
        uint256 e = word.entry(index % BidWord.ENTRIES);
        (tick, lots) = (e.tick(), e.lots());
        if (lots == 0) revert NoSuchBid(bidder, index);

        _words[key] = word.withEntry(index % BidWord.ENTRIES, BidWord.CANCELLED);
        _lanes[tick >> 2] = TickLane.withoutLots(_lanes[tick >> 2], tick & 3, lots);
        if (_gate != address(0)) entityLots[entityOf[bidder]] -= lots;
        emit BidCancelled(bidder, tick, index, lots, e.arrival());
    }

    function _wordKey(address bidder, uint256 number) internal pure returns (uint256) {
        return (uint256(uint160(bidder)) << 8) | number;
    }

    /// @return index The first index of `bidder` without a live bid.
    /// @return key Where its word is kept.
    /// @return word Its word.
    /// @return live Lots of all live bids of `bidder`.
    function _freeEntry(address bidder) private view returns (uint256 index, uint256 key, uint256 word, uint256 live) {
        uint256 base = _wordKey(bidder, 0);
        index = MAX_BIDS;
        for (uint256 w; w < MAX_WORDS; ++w) {
            uint256 current = _words[base | w];
            for (uint256 i; i < BidWord.ENTRIES; ++i) {
                uint256 lots = current.entry(i).lots();
                live += lots;
                if (lots == 0 && index == MAX_BIDS) (index, key, word) = (w * BidWord.ENTRIES + i, base | w, current);
            }
            if (!current.isUsedUp()) break;
        }
        if (index == MAX_BIDS) revert TooManyBids(bidder, MAX_BIDS);
    }

    function _countEntityLots(address bidder, uint256 lots) private returns (uint256 live) {
        bytes32 entity = entityOf[bidder];
        if (entity == 0) revert NotAdmitted(bidder);
        live = entityLots[entity] + lots;
        entityLots[entity] = live;
    }

    function _enterTick(uint256 tick, uint256 lots) private returns (uint256 arrival) {
        uint256 lane = tick & 3;
        uint256 word = _lanes[tick >> 2];
        arrival = TickLane.bids(word, lane) + 1;
        if (arrival > TickLane.MAX_BIDS || TickLane.lots(word, lane) + lots > TickLane.MAX_LOTS) revert TickFull(tick);
        _lanes[tick >> 2] = TickLane.withBid(word, lane, lots);
        if (_rule != Rule.TOP_THEN_ROUND_ROBIN) return arrival;
        arrival = ++_arrivals;
        if (arrival > type(uint32).max) revert TickFull(tick);
    }
}
