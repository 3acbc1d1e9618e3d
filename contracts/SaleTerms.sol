// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITokenSale, Pricing, Rule, Terms} from "./interfaces/ITokenSale.sol";
import {BidWord} from "./libraries/BidWord.sol";

/// @title The terms of a sale, checked once and kept in code
/// @custom:security-contact security@gavelbook.example
abstract contract SaleTerms is ITokenSale {
    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_ALLOCATOR_WINDOW = 7 days;
    uint256 private constant MIN_OPEN_CLEARING = 1 days;
    uint256 private constant MAX_ABORT_DELAY = 60 days;
    uint256 private constant MAX_VESTING_DELAY = 3650 days;

    address internal immutable _saleToken;
    address internal immutable _paymentToken;
    address internal immutable _allocator;
    address internal immutable _gate;
    address internal immutable _proceedsRecipient;
    address internal immutable _unsoldRecipient;
    Rule internal immutable _rule;
    Pricing internal immutable _pricing;
    uint256 internal immutable _lotSize;
    uint256 internal immutable _supplyLots;
    uint256 internal immutable _floorPrice;
    uint256 internal immutable _tickValue;
    uint256 internal immutable _tickCount;
    uint256 internal immutable _minBidLots;
    uint256 internal immutable _capBps;
    uint256 internal immutable _capLots;
    uint256 internal immutable _minimumRaise;
    uint256 internal immutable _start;
    uint256 internal immutable _end;
    uint256 internal immutable _cancelUntil;
    uint256 internal immutable _allocatorUntil;
    uint256 internal immutable _abortTime;
    uint256 internal immutable _vestingStart;
    uint256 internal immutable _vestingCliff;
    uint256 internal immutable _vestingEnd;

    /// @inheritdoc ITokenSale
    address public immutable wrappedEther;

    constructor(Terms memory t, address wrappedEther_) {
        _checkAddresses(t);
        uint256 cap = _checkAmounts(t);
        _checkTimes(t);

        _saleToken = t.saleToken;
        _paymentToken = t.paymentToken;
        _allocator = t.allocator;
        _gate = t.gate;
        _proceedsRecipient = t.proceedsRecipient;
        _unsoldRecipient = t.unsoldRecipient;
        _rule = t.rule;
        _pricing = t.pricing;
        _lotSize = t.lotSize;
        _supplyLots = t.supplyLots;
        _floorPrice = t.floorPrice;
        _tickValue = t.tickValue;
        _tickCount = t.tickCount;
        _minBidLots = t.minBidLots;
        _capBps = t.capBps;
        _capLots = cap;
        _minimumRaise = t.minimumRaise;
        _start = t.start;
        _end = t.end;
        _cancelUntil = t.cancelUntil;
        _allocatorUntil = t.allocatorUntil;
        _abortTime = t.abortTime;
        _vestingStart = t.vestingStart;
        _vestingCliff = t.vestingCliff;
        _vestingEnd = t.vestingEnd;
        wrappedEther = wrappedEther_;
    }

    /// @inheritdoc ITokenSale
    function terms() external view returns (Terms memory) {
        return Terms({
            saleToken: _saleToken,
            paymentToken: _paymentToken,
            allocator: _allocator,
            gate: _gate,
            proceedsRecipient: _proceedsRecipient,
            unsoldRecipient: _unsoldRecipient,
            rule: _rule,
            pricing: _pricing,
            lotSize: _lotSize,
            supplyLots: _supplyLots,
            floorPrice: _floorPrice,
            tickValue: _tickValue,
            tickCount: _tickCount,
            minBidLots: _minBidLots,
            capBps: _capBps,
            minimumRaise: _minimumRaise,
            start: _start,
            end: _end,
            cancelUntil: _cancelUntil,
            allocatorUntil: _allocatorUntil,
            abortTime: _abortTime,
            vestingStart: _vestingStart,
            vestingCliff: _vestingCliff,
            vestingEnd: _vestingEnd
        });
    }

    /// @inheritdoc ITokenSale
    function price(uint256 tick) external view returns (uint256) {
        _requireTick(tick);
        return _price(tick);
    }

    /// @inheritdoc ITokenSale
    function capLots() external view returns (uint256) {
        return _capLots;
    }

    function _requireTick(uint256 tick) internal view {
        if (tick >= _tickCount) revert TickOutOfRange(tick, _tickCount);
    }

    /// @dev Cannot overflow for a tick of the sale: by {_checkAmounts} `supplyLots * price(tickCount - 1)` fits.
    function _price(uint256 tick) internal view returns (uint256) {
        unchecked {
            return _floorPrice + tick * _tickValue;
        }
    }

    function _checkAddresses(Terms memory t) private view {
        if (t.saleToken == address(0)) revert AddressMissing(0);
        if (t.paymentToken == address(0)) revert AddressMissing(1);
        if (t.allocator == address(0)) revert AddressMissing(2);
        if (t.proceedsRecipient == address(0)) revert AddressMissing(4);
        if (t.unsoldRecipient == address(0)) revert AddressMissing(5);
        if (t.proceedsRecipient == address(this) || t.unsoldRecipient == address(this)) revert RecipientInvalid(address(this));
        if (t.saleToken == t.paymentToken) revert TokensEqual(t.saleToken);
        if (t.saleToken.code.length == 0) revert NotAToken(t.saleToken);
        if (t.paymentToken.code.length == 0) revert NotAToken(t.paymentToken);
    }

    /// @return cap Most live lots of one bidder, rounded down.
    function _checkAmounts(Terms memory t) private pure returns (uint256 cap) {
        if (t.supplyLots == 0 || t.supplyLots > type(uint32).max) revert SupplyInvalid(t.supplyLots);
        if (t.tickCount == 0 || t.tickCount > BidWord.MAX_TICKS) revert TickCountInvalid(t.tickCount, BidWord.MAX_TICKS);
        if (t.lotSize == 0 || t.floorPrice == 0 || t.tickValue == 0) revert UnitZero(t.lotSize, t.floorPrice, t.tickValue);
        if (t.capBps == 0 || t.capBps > BPS) revert CapInvalid(t.capBps);
        if (t.rule == Rule.TOP_THEN_ROUND_ROBIN && t.pricing == Pricing.UNIFORM) revert PricingNotOffered(t.rule, t.pricing);

        cap = t.supplyLots * t.capBps / BPS;
        if (t.minBidLots == 0 || cap < t.minBidLots) revert CapUnderMinimum(cap, t.minBidLots);

        if (t.lotSize > type(uint256).max / t.supplyLots) revert AmountTooLarge(t.lotSize, t.supplyLots);
        uint256 steps = t.tickCount - 1;
        if (t.tickValue > (type(uint256).max - t.floorPrice) / (steps == 0 ? 1 : steps)) revert AmountTooLarge(t.tickValue, steps);
        uint256 highest = t.floorPrice + steps * t.tickValue;
        if (highest > type(uint256).max / t.supplyLots) revert AmountTooLarge(highest, t.supplyLots);
        uint256 most = highest * t.supplyLots;
        if (t.minimumRaise > most) revert MinimumRaiseUnreachable(t.minimumRaise, most);
    }

    function _checkTimes(Terms memory t) private view {
        if (t.start >= t.end || t.end <= block.timestamp || t.end > type(uint64).max) revert WindowInvalid(t.start, t.end);
        if (t.cancelUntil > t.end) revert CancelInvalid(t.cancelUntil, t.end);
        uint256 latest = t.end + MAX_ALLOCATOR_WINDOW;
        if (t.allocatorUntil < t.end || t.allocatorUntil > latest) revert AllocatorWindowInvalid(t.allocatorUntil, latest);
        uint256 earliest = t.allocatorUntil + MIN_OPEN_CLEARING;
        latest = t.end + MAX_ABORT_DELAY;
        if (t.abortTime < earliest || t.abortTime > latest) revert AbortTimeInvalid(t.abortTime, earliest, latest);
        if (t.vestingStart == 0 && t.vestingCliff == 0 && t.vestingEnd == 0) return;
        if (
            t.vestingStart == 0 || t.vestingStart >= t.vestingEnd || t.vestingCliff < t.vestingStart
                || t.vestingCliff > t.vestingEnd || t.vestingEnd > t.end + MAX_VESTING_DELAY
        ) revert VestingInvalid(t.vestingStart, t.vestingCliff, t.vestingEnd);
    }
}
