// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ExchangeEscrow} from "./ExchangeEscrow.sol";
import {IExchange, Market, Order} from "./interfaces/IExchange.sol";
import {LaneWord} from "./libraries/LaneWord.sol";
import {OrderDigest} from "./libraries/OrderDigest.sol";
import {OrderTerms} from "./libraries/OrderTerms.sol";

/// @title Orders: which are void, how far they are filled, which are approved
/// @custom:security-contact security@gavelbook.example
abstract contract ExchangeOrders is ExchangeEscrow {
    using LaneWord for uint256;
    using OrderTerms for uint256;

    uint256 private constant NEVER = type(uint256).max;

    /// @dev See {LaneWord}.
    mapping(uint256 key => uint256 word) internal _lanes;

    /// @dev Highest sequence cancelled, of lanes whose word has the time of a cancel.
    mapping(address account => mapping(uint256 lane => uint256 sequence)) private _cancelled;

    /// @inheritdoc IExchange
    mapping(address account => mapping(bytes32 hash => uint256 until)) public approvalOf;

    /// @inheritdoc IExchange
    function cancel(uint32 lane, uint32 sequence) external {
        uint256 key = LaneWord.key(msg.sender, lane);
        uint256 word = _lanes[key];
        uint256 half = word.half(lane);
        (uint256 last, uint256 filled) = (half.last(), half.filled());
        if (half.cancelAt() != 0) {
            uint256 cancelled = _cancelled[msg.sender][lane];
            if (sequence <= cancelled) revert NothingToCancel(msg.sender, lane, sequence);
            if (block.timestamp < half.cancelAt()) revert CancelPending(msg.sender, lane, half.cancelAt());
            // The earlier cancel counts by now: the lane itself keeps it, as if the next sequence had begun.
            if (last <= cancelled) (last, filled) = (cancelled + 1, 0);
        }
        // Sequences count from 1.
        if (sequence == 0 || sequence < last) revert NothingToCancel(msg.sender, lane, sequence);

        uint256 cancelAt = block.timestamp + cancelNotice;
        _cancelled[msg.sender][lane] = sequence;
        _lanes[key] = word.withHalf(lane, half, LaneWord.pack(filled, last, cancelAt));
        emit CancelRequested(msg.sender, lane, sequence, cancelAt);
    }

    /// @inheritdoc IExchange
    function approveOrder(Order calldata order) external returns (bytes32 hash) {
        if (msg.sender != order.maker) revert NotMaker(order.maker, msg.sender);
        hash = orderHash(order);
        approvalOf[msg.sender][hash] = NEVER;
        emit OrderApproved(msg.sender, hash);
    }

    /// @inheritdoc IExchange
    function revokeApproval(bytes32 hash) external {
        if (approvalOf[msg.sender][hash] != NEVER) revert NotApproved(msg.sender, hash);
        uint256 until = block.timestamp + cancelNotice;
        approvalOf[msg.sender][hash] = until;
        emit ApprovalRevoked(msg.sender, hash, until);
    }

    /// @inheritdoc IExchange
    function orderHash(Order calldata order) public view returns (bytes32) {
        Market memory m = _requireMarket(order.market);
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    OrderDigest.TYPE_HASH,
                    order.sell ? OrderDigest.SELL_HASH : OrderDigest.BUY_HASH,
                    uint256(order.lots) * m.lotSize,
                    m.base,
                    uint256(order.lots) * order.ticks * m.tickValue,
                    m.quote,
                    order.maxFeeBps,
                    order.maker,
                    order.market,
                    order.lane,
                    order.sequence,
                    order.expiry
                )
            )
        );
    }

    /// @inheritdoc IExchange
    function laneOf(address account, uint32 lane)
        external
        view
        returns (uint256 sequence, uint256 filledLots, uint256 cancelAt, uint256 cancelledSequence)
    {
        uint256 half = _lanes[LaneWord.key(account, lane)].half(lane);
        (sequence, filledLots, cancelAt) = (half.last(), half.filled(), half.cancelAt());
        if (cancelAt != 0) cancelledSequence = _cancelled[account][lane];
    }

    /// @dev Count `filledLots` more lots of order `index` of a batch in the maker's lane.
    function _fillLane(uint256 index, address maker, uint256 terms, uint256 filledLots) internal {
        (uint256 lane, uint256 sequence) = (terms.lane(), terms.sequence());
        uint256 key = LaneWord.key(maker, lane);
        uint256 word = _lanes[key];
        uint256 half = word.half(lane);
        uint256 last = half.last();
        unchecked {
            // A batch has under 2**16 fills of under 2**64 lots.
            if (sequence == last) filledLots += half.filled();
        }
        uint256 cancelAt = half.cancelAt();
        if (sequence < last) revert SequencePassed(index, last, sequence);
        if (filledLots > terms.lots()) revert Overfilled(index, terms.lots(), filledLots);
        if (cancelAt != 0) cancelAt = _cancelAfter(index, maker, lane, sequence, cancelAt);
        _lanes[key] = word.withHalf(lane, half, LaneWord.pack(filledLots, sequence, cancelAt));
    }

    /// @dev The time of the lane's cancel after a fill of `sequence`: as it was, or none as the fill is above it.
    function _cancelAfter(uint256 index, address maker, uint256 lane, uint256 sequence, uint256 cancelAt)
        private
        view
        returns (uint256)
    {
        uint256 cancelled = _cancelled[maker][lane];
        if (sequence > cancelled) return 0;
        if (block.timestamp >= cancelAt) revert OrderCancelled(index, cancelled, sequence);
        return cancelAt;
    }
}
