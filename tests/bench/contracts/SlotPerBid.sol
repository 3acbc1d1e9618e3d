// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

import {BidWord} from "../../../contracts/libraries/BidWord.sol";
import {LayoutSale} from "./LayoutSale.sol";

/// @title One slot for each bid, and one for the cap of each bidder
/// @notice The cap's slot also counts the bids of the bidder, so no other counter is needed.
contract SlotPerBid is LayoutSale {
    using BidWord for uint256;

    /// @dev `bidder << 8 | index` => a bid.
    mapping(uint256 key => uint256) private _bids;
    /// @dev Bidder => live lots << 8 | bids.
    mapping(address bidder => uint256) private _caps;

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
        override
        returns (uint256 index)
    {
        uint256 cap = _caps[bidder];
        index = cap & 0xff;
        if ((cap >> 8) + lots > _capLots || index == 24) revert Refused();
        _caps[bidder] = cap + (lots << 8) + 1;
        _bids[(uint256(uint160(bidder)) << 8) | index] = BidWord.pack(tick, lots, arrival);
    }

    function _show(uint256 tick, uint256 level, uint256 cut, uint256[] calldata margin, uint256 shown)
        internal
        view
        override
        returns (uint256)
    {
        unchecked {
            for (uint256 i; i < margin.length; ++i) {
                uint256 e = _bids[margin[i]];
                if (e.tick() != tick) revert Refused();
                shown = _count(shown, e.lots(), e.arrival(), level, cut);
            }
        }
        return shown;
    }

    function _take(address bidder, uint256 decided) internal override returns (Filled memory f) {
        uint256 base = uint256(uint160(bidder)) << 8;
        uint256 count = _caps[bidder] & 0xff;
        _caps[bidder] = 0;
        for (uint256 i; i < count; ++i) {
            uint256 e = _bids[base | i];
            _settle(f, decided, e.tick(), e.lots(), e.arrival());
            _bids[base | i] = 0;
        }
    }
}
