// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {TickLane} from "../../../contracts/libraries/TickLane.sol";

/// @title What the three layouts of the storage comparison share
/// @notice A benchmark's sale, not for use: price groups by rounds, pay as bid, no signature, gate, cancel or vesting.
/// Checks, event, token movements and the walk are those of TokenSale; only where bids are kept differs.
abstract contract LayoutSale is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    struct Filled {
        uint256 won;
        uint256 refund;
    }

    IERC20 internal immutable _saleToken;
    IERC20 internal immutable _paymentToken;
    uint256 internal immutable _lotSize;
    uint256 internal immutable _supplyLots;
    uint256 internal immutable _floorPrice;
    uint256 internal immutable _tickValue;
    uint256 internal immutable _tickCount;
    uint256 internal immutable _capLots;
    uint256 internal immutable _start;
    uint256 internal immutable _end;

    uint256[1024] internal _lanes;
    /// @dev 1 << 160 | marginal tick << 96 | need << 64 | level << 32 | cut, once decided. `need` is 0 without margin.
    uint256 internal _decided;
    /// @dev The margin shown so far: last arrival << 128 | lots shown << 64 | lots given.
    uint256 internal _shown;

    event BidPlaced(address indexed bidder, uint256 indexed tick, uint256 index, uint256 lots, uint256 arrival);
    event Cleared(uint256 marginalTick, uint256 level, uint256 cut);
    event TokensClaimed(address indexed bidder, address indexed to, uint256 amount);
    event RefundClaimed(address indexed bidder, address indexed to, uint256 amount);

    error Refused();

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
    ) {
        (_saleToken, _paymentToken, _lotSize, _supplyLots) = (saleToken, paymentToken, lotSize, supplyLots);
        (_floorPrice, _tickValue, _tickCount, _capLots) = (floorPrice, tickValue, tickCount, supplyLots);
        (_start, _end) = (start, end);
    }

    function bid(uint256 tick, uint256 lots) external nonReentrant returns (uint256 index) {
        if (block.timestamp < _start || block.timestamp >= _end || tick >= _tickCount || lots == 0) revert Refused();
        if (lots > _capLots) revert Refused();
        uint256 lane = tick & 3;
        uint256 word = _lanes[tick >> 2];
        uint256 arrival = TickLane.bids(word, lane) + 1;
        if (arrival > TickLane.MAX_BIDS || TickLane.lots(word, lane) + lots > TickLane.MAX_LOTS) revert Refused();
        _lanes[tick >> 2] = TickLane.withBid(word, lane, lots);
        index = _keep(msg.sender, tick, lots, arrival);
        emit BidPlaced(msg.sender, tick, index, lots, arrival);

        uint256 payment = lots * _price(tick);
        uint256 before = _paymentToken.balanceOf(address(this));
        _paymentToken.safeTransferFrom(msg.sender, address(this), payment);
        if (_paymentToken.balanceOf(address(this)) - before != payment) revert Refused();
    }

    /// @notice Show bids of the margin; the last call, with `last`, decides.
    /// @param margin Keys of bids in arrival order, or the number of bids to read where the layout lists them by tick.
    function clear(uint256 marginalTick, uint256 level, uint256 cut, uint256[] calldata margin, bool last)
        external
        nonReentrant
    {
        if (block.timestamp < _end || _decided != 0) revert Refused();
        (uint256 tick, uint256 need, uint256 lots) = _walk();
        if (tick != marginalTick) revert Refused();
        uint256 shown = _shown;
        if (need != 0) {
            shown = _show(tick, level, cut, margin, shown);
            if (!last) {
                _shown = shown;
                return;
            }
            if (uint64(shown >> 64) != lots || uint64(shown) != need) revert Refused();
        }
        _decided = (1 << 160) | (tick << 96) | (need << 64) | (level << 32) | cut;
        emit Cleared(tick, level, cut);
    }

    function claim(address bidder) external nonReentrant {
        if (!_pay(bidder)) revert Refused();
    }

    function claimMany(address[] calldata bidders) external nonReentrant {
        for (uint256 i; i < bidders.length; ++i) {
            _pay(bidders[i]);
        }
    }

    /// @dev Keep a bid and count it to the cap of the bidder.
    function _keep(address bidder, uint256 tick, uint256 lots, uint256 arrival) internal virtual returns (uint256 index);

    /// @dev Read bids of the margin and add what they get to `shown`.
    function _show(uint256 tick, uint256 level, uint256 cut, uint256[] calldata margin, uint256 shown)
        internal
        view
        virtual
        returns (uint256);

    /// @dev Add up what a bidder has coming and forget the bids.
    function _take(address bidder, uint256 decided) internal virtual returns (Filled memory);

    /// @dev Add one bid of the margin to what was shown.
    function _count(uint256 shown, uint256 lots, uint256 arrival, uint256 level, uint256 cut)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            if (lots == 0 || arrival <= shown >> 128) revert Refused();
            uint256 limit = level + (arrival < cut ? 1 : 0);
            uint256 given = lots < limit ? lots : limit;
            return (arrival << 128) | (uint128(shown) + (lots << 64) + given);
        }
    }

    function _settle(Filled memory f, uint256 decided, uint256 tick, uint256 lots, uint256 arrival) internal view {
        unchecked {
            uint256 marginalTick = uint16(decided >> 96);
            uint256 filled;
            if (tick > marginalTick) filled = lots;
            else if (tick == marginalTick) filled = _inMargin(decided, lots, arrival);
            f.won += filled;
            f.refund += (lots - filled) * _price(tick);
        }
    }

    function _price(uint256 tick) internal view returns (uint256) {
        unchecked {
            return _floorPrice + tick * _tickValue;
        }
    }

    function _inMargin(uint256 decided, uint256 lots, uint256 arrival) private pure returns (uint256) {
        unchecked {
            if (uint32(decided >> 64) == 0) return lots;
            uint256 limit = uint32(decided >> 32) + (arrival < uint32(decided) ? 1 : 0);
            return lots < limit ? lots : limit;
        }
    }

    function _pay(address bidder) private returns (bool) {
        uint256 decided = _decided;
        if (decided == 0) revert Refused();
        Filled memory f = _take(bidder, decided);
        if (f.won != 0) {
            emit TokensClaimed(bidder, bidder, f.won * _lotSize);
            _saleToken.safeTransfer(bidder, f.won * _lotSize);
        }
        if (f.refund != 0) {
            emit RefundClaimed(bidder, bidder, f.refund);
            _paymentToken.safeTransfer(bidder, f.refund);
        }
        return f.won + f.refund != 0;
    }

    function _walk() private view returns (uint256 tick, uint256 need, uint256 lots) {
        unchecked {
            need = _supplyLots;
            for (uint256 slot = (_tickCount + 3) >> 2; slot != 0;) {
                uint256 word = _lanes[--slot];
                if (word & TickLane.LOTS_MASK == 0) continue;
                for (uint256 lane = TickLane.LANES; lane != 0;) {
                    lots = TickLane.lots(word, --lane);
                    if (lots == 0) continue;
                    if (lots > need) return ((slot << 2) | lane, need, lots);
                    need -= lots;
                    if (need == 0) return ((slot << 2) | lane, 0, lots);
                }
            }
            return (0, 0, 0);
        }
    }
}
