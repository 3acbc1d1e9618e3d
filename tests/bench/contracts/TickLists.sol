// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {TickLane} from "../../../contracts/libraries/TickLane.sol";
import {BidderWords} from "./BidderWords.sol";

/// @title The lots of each tick in a list, eight to a word, beside the words of the bidders
/// @notice Clearing reads the list of one tick and needs no keys. A claim still needs the bidder's words.
contract TickLists is BidderWords {
    uint256 private constant ENTRIES = 8;

    /// @dev `tick << 32 | arrival / 8` => the lots of eight bids.
    mapping(uint256 key => uint256) private _lists;

    constructor(
        IERC20 saleToken,
        IERC20 paymentToken,
        uint256 lotSize,
        uint256 supplyLots,
        uint256 floorPrice,
        uint256 tickValue,
        uint256 tickCount,
        uint256 start,
        uint256 end
    ) BidderWords(saleToken, paymentToken, lotSize, supplyLots, floorPrice, tickValue, tickCount, start, end) {}

    function _keep(address bidder, uint256 tick, uint256 lots, uint256 arrival)
        internal
        override
        returns (uint256 index)
    {
        index = super._keep(bidder, tick, lots, arrival);
        _lists[(tick << 32) | (arrival / ENTRIES)] |= lots << (arrival % ENTRIES * 32);
    }

    /// @dev `margin` holds one number: how many bids of the list to read.
    function _show(uint256 tick, uint256 level, uint256 cut, uint256[] calldata margin, uint256 shown)
        internal
        view
        override
        returns (uint256)
    {
        unchecked {
            uint256 arrival = (shown >> 128) + 1;
            uint256 end = arrival + margin[0];
            uint256 most = TickLane.bids(_lanes[tick >> 2], tick & 3) + 1;
            if (end > most) end = most;
            uint256 word = arrival % ENTRIES == 0 ? 0 : _lists[(tick << 32) | (arrival / ENTRIES)];
            for (; arrival < end; ++arrival) {
                if (arrival % ENTRIES == 0) word = _lists[(tick << 32) | (arrival / ENTRIES)];
                shown = _count(shown, uint32(word >> (arrival % ENTRIES * 32)), arrival, level, cut);
            }
        }
        return shown;
    }
}
