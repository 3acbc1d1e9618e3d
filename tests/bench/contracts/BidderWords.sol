// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {BidWord} from "../../../contracts/libraries/BidWord.sol";
import {LayoutSale} from "./LayoutSale.sol";

/// @title Our layout: three bids to a word under their bidder
/// @notice The cap is counted by reading the bidder's words.
contract BidderWords is LayoutSale {
    using BidWord for uint256;

    uint256 internal constant MAX_WORDS = 8;

    mapping(uint256 key => uint256) internal _words;

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
    ) LayoutSale(saleToken, paymentToken, lotSize, supplyLots, floorPrice, tickValue, tickCount, start, end) {}

    function _keep(address bidder, uint256 tick, uint256 lots, uint256 arrival)
        internal
        virtual
        override
        returns (uint256 index)
    {
        uint256 base = uint256(uint160(bidder)) << 8;
        uint256 live = lots;
        for (uint256 w; w < MAX_WORDS; ++w) {
            uint256 word = _words[base | w];
            for (uint256 i; i < BidWord.ENTRIES; ++i) {
                if (word.entry(i) != 0) {
                    live += word.entry(i).lots();
                    continue;
                }
                if (live > _capLots) revert Refused();
                _words[base | w] = word.withEntry(i, BidWord.pack(tick, lots, arrival));
                return w * BidWord.ENTRIES + i;
            }
        }
        revert Refused();
    }

    function _show(uint256 tick, uint256 level, uint256 cut, uint256[] calldata margin, uint256 shown)
        internal
        view
        virtual
        override
        returns (uint256)
    {
        unchecked {
            for (uint256 i; i < margin.length; ++i) {
                uint256 key = margin[i];
                uint256 word = _words[((key >> 8) << 8) | ((key & 0xff) / BidWord.ENTRIES)];
                uint256 e = word >> ((key & 0xff) % BidWord.ENTRIES * BidWord.ENTRY_BITS);
                if (e.tick() != tick) revert Refused();
                shown = _count(shown, e.lots(), e.arrival(), level, cut);
            }
        }
        return shown;
    }

    function _take(address bidder, uint256 decided) internal override returns (Filled memory f) {
        uint256 base = uint256(uint160(bidder)) << 8;
        for (uint256 w; w < MAX_WORDS; ++w) {
            uint256 word = _words[base | w];
            if (word == 0) break;
            for (uint256 i; i < BidWord.ENTRIES; ++i) {
                uint256 e = word.entry(i);
                if (e != 0) _settle(f, decided, e.tick(), e.lots(), e.arrival());
            }
            _words[base | w] = 0;
            if (!word.isUsedUp()) break;
        }
    }
}
