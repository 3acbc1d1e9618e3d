// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Clearing, ITokenSale, Phase, Pricing, Progress, Result, Rule} from "./interfaces/ITokenSale.sol";
import {BidWord} from "./libraries/BidWord.sol";
import {TickLane} from "./libraries/TickLane.sol";
import {SaleBook} from "./SaleBook.sol";

/// @title The check of a posted result
/// @notice The ticks are walked from the top, which finds where supply ends whatever the number of bids. Only if
/// supply ends inside a group of bids, the margin, are its bids read, once each.
/// @custom:security-contact security@gavelbook.example
abstract contract SaleClearing is SaleBook, EIP712 {
    using BidWord for uint256;

    bytes32 private constant CLEARING_TYPEHASH =
        keccak256("Clearing(uint256 marginalTick,uint256 level,uint256 cut,bytes32 digest)");
    uint256 private constant NO_TICK = type(uint256).max;

    Result internal _result;
    /// @inheritdoc ITokenSale
    uint256 public raised;

    /// @dev Caller and clearing => what was shown of the margin.
    mapping(bytes32 key => Progress) private _progress;
    /// @dev Caller and clearing => payment of all bids above the margin and of those shown.
    mapping(bytes32 key => uint256) private _progressRaised;

    /// @inheritdoc ITokenSale
    function result() external view returns (Result memory) {
        return _result;
    }

    /// @inheritdoc ITokenSale
    function progressOf(address caller, Clearing calldata clearing) external view returns (Progress memory) {
        return _progress[_progressKey(caller, clearing)];
    }

    function _advance(Clearing calldata c, uint256[] calldata margin) internal {
        _requireClearable();
        bytes32 key = _progressKey(msg.sender, c);
        if (margin.length == 0) {
            delete _progress[key];
            return;
        }
        (Progress memory p, uint256 sum) = _resume(key, c);
        _progressRaised[key] = _show(p, c, margin, sum);
        _progress[key] = p;
    }

    /// @return r The result, not yet stored.
    /// @return sum Payment of all winners.
    function _decide(Clearing calldata c, uint256[] calldata margin, bytes calldata signature)
        internal
        view
        returns (Result memory r, uint256 sum)
    {
        _requireClearable();
        _requireSignature(c, signature);
        Progress memory p;
        (p, sum) = _resume(_progressKey(msg.sender, c), c);
        sum = _show(p, c, margin, sum);
        if (p.fullFrom != p.marginFrom) {
            if (p.unshownLots != 0) revert MarginIncomplete(p.unshownLots);
            if (!p.cutSeen) revert CutMissing(c.cut);
            if (p.ungivenLots != 0) revert UnderAllocated(p.ungivenLots);
        }

        uint256 soldLots = _supplyLots - p.ungivenLots;
        if (_pricing == Pricing.UNIFORM) sum = soldLots * _price(c.marginalTick);
        // The casts lose nothing: ticks are under 2**12, and a bid with more than `level` lots was seen at `cut`.
        r = Result({
            phase: sum < _minimumRaise ? Phase.FAILED : Phase.CLEARED,
            byRounds: p.byRounds,
            proceedsCollected: false,
            unsoldCollected: false,
            marginalTick: uint16(c.marginalTick),
            fullFrom: p.fullFrom,
            marginFrom: p.marginFrom,
            level: uint32(c.level),
            cut: uint32(c.cut),
            soldLots: uint32(soldLots)
        });
    }

    /// @dev The lots that a bid of `lots` lots at `tick` gets.
    function _fill(Result memory r, uint256 tick, uint256 lots, uint256 arrival) internal pure returns (uint256) {
        if (r.phase != Phase.CLEARED || tick < r.marginFrom) return 0;
        if (tick >= r.fullFrom) return lots;
        (uint256 early, uint256 late) = _limits(r.byRounds, r.level);
        uint256 limit = arrival < r.cut ? early : arrival == r.cut ? r.level : late;
        return lots < limit ? lots : limit;
    }

    /// @dev OpenZeppelin's checker refuses malleable (high-s) and zero-address signatures.
    function _requireSigned(address signer, bytes32 structHash, bytes calldata signature) internal view {
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, _hashTypedDataV4(structHash), signature)) {
            revert SignatureInvalid(signer);
        }
    }

    function _requireClearable() private view {
        if (block.timestamp < _end) revert NotClosed(_end);
        if (_result.phase != Phase.FUNDED) revert AlreadyDecided(_result.phase);
        if (block.timestamp >= _abortTime) revert ClearingExpired(_abortTime);
    }

    /// @dev The signature says who vouches for which file. Which result is right does not depend on it.
    function _requireSignature(Clearing calldata c, bytes calldata signature) private view {
        if (signature.length == 0) {
            if (block.timestamp < _allocatorUntil) revert AllocatorWindow(_allocatorUntil);
            if (c.digest != 0) revert DigestUnsigned(c.digest);
            return;
        }
        bytes32 structHash = keccak256(abi.encode(CLEARING_TYPEHASH, c.marginalTick, c.level, c.cut, c.digest));
        _requireSigned(_allocator, structHash, signature);
    }

    function _progressKey(address caller, Clearing calldata c) private pure returns (bytes32) {
        return keccak256(abi.encode(caller, c.marginalTick, c.level, c.cut));
    }

    /// @dev The caller's progress, or a new one. Bids do not change any more, so a walk once made stays right.
    function _resume(bytes32 key, Clearing calldata c) private view returns (Progress memory p, uint256 sum) {
        p = _progress[key];
        if (p.open) return (p, _progressRaised[key]);
        uint256 marginalTick;
        (p, marginalTick, sum) = _walk();
        if (c.marginalTick != marginalTick) revert WrongMarginalTick(marginalTick, c.marginalTick);
    }

    /// @dev Find where supply ends. `sum` is what the bids above the margin pay by their own price.
    /// Nothing overflows: the sums of lots stay under 2**52, and the money sums are part of what was escrowed.
    function _walk() private view returns (Progress memory p, uint256 marginalTick, uint256 sum) {
        uint256 need = _supplyLots;
        uint256 top = NO_TICK;
        uint256 below;
        uint256 belowSum;
        unchecked {
            for (uint256 slot = (_tickCount + 3) >> 2; slot != 0;) {
                uint256 word = _lanes[--slot];
                if (word & TickLane.LOTS_MASK == 0) continue;
                for (uint256 lane = TickLane.LANES; lane != 0;) {
                    uint256 lots = TickLane.lots(word, --lane);
                    if (lots == 0) continue;
                    uint256 tick = (slot << 2) | lane;
                    if (top != NO_TICK) {
                        below += lots;
                        belowSum += lots * _price(tick);
                        marginalTick = tick;
                        continue;
                    }
                    if (lots > need) return (_margin(tick, tick + 1, lots, need, _rule == Rule.GROUP_ROUND_ROBIN), tick, sum);
                    need -= lots;
                    sum += lots * _price(tick);
                    if (need == 0) return (_margin(tick, tick, 0, 0, false), tick, sum);
                    if (_rule == Rule.TOP_THEN_ROUND_ROBIN) top = tick;
                }
            }
            if (below > need) return (_margin(0, top, below, need, true), top, sum);
            if (below < need) marginalTick = 0;
            return (_margin(marginalTick, marginalTick, 0, need - below, false), marginalTick, sum + belowSum);
        }
    }

    function _margin(uint256 from, uint256 to, uint256 lots, uint256 need, bool byRounds)
        private
        pure
        returns (Progress memory)
    {
        return Progress({
            open: true,
            byRounds: byRounds,
            cutSeen: false,
            lastArrival: 0,
            fullFrom: uint16(to),
            marginFrom: uint16(from),
            ungivenLots: uint32(need),
            unshownLots: uint56(lots)
        });
    }

    /// @dev Read the bids shown, in arrival order, and give each its lots. Since every bid has lots and arrivals
    /// rise, no bid counts twice, and none is missing once all lots of the margin were shown.
    function _show(Progress memory p, Clearing calldata c, uint256[] calldata keys, uint256 sum)
        private
        view
        returns (uint256)
    {
        if (p.fullFrom == p.marginFrom) {
            if (c.level != 0 || c.cut != 0 || keys.length != 0) revert MarginNotNeeded(c.level, c.cut, keys.length);
            return sum;
        }
        (uint256 early, uint256 late) = _limits(p.byRounds, c.level);
        (uint256 tally, uint256 next) = _tally(p, keys, 0, c.cut, early);
        if (next < keys.length) {
            (uint256 atCut, uint256 afterCut) = _tally(p, keys, next, c.cut + 1, c.level);
            if (afterCut != next) {
                if (uint64(atCut) <= c.level) revert CutInvalid(c.cut, uint64(atCut));
                p.cutSeen = true;
            }
            (uint256 rest,) = _tally(p, keys, afterCut, type(uint256).max, late);
            tally += atCut + rest;
        }
        uint256 given = uint64(tally >> 64);
        if (given > p.ungivenLots) revert OverAllocated(given, p.ungivenLots);
        unchecked {
            // The lots shown are part of `unshownLots`: each bid of the margin is counted at most once.
            p.unshownLots -= uint56(tally);
            p.ungivenLots -= uint32(given);
            return sum + given * _floorPrice + (tally >> 128) * _tickValue;
        }
    }

    /// @dev Read the bids `keys[i...]` that arrived before `bound` and give each what it asks, at most `limit`.
    /// This loop decides what a clearing costs.
    /// @return tally Three sums over these bids: lots asked (lowest 64 bits), lots given (next 64), and lots given,
    /// each times its tick (upper 128). None can reach the next: a margin has less than 2**52 lots, ticks are under
    /// 2**12.
    /// @return next Number of the first key not read.
    function _tally(Progress memory p, uint256[] calldata keys, uint256 i, uint256 bound, uint256 limit)
        private
        view
        returns (uint256 tally, uint256 next)
    {
        (uint256 from, uint256 width, uint256 last) = (p.marginFrom, p.fullFrom - p.marginFrom, p.lastArrival);
        unchecked {
            for (; i < keys.length; ++i) {
                uint256 key = keys[i];
                uint256 e = _words[((key >> 8) << 8) | ((key & 0xff) / BidWord.ENTRIES)]
                    >> ((key & 0xff) % BidWord.ENTRIES * BidWord.ENTRY_BITS);
                uint256 arrival = e.arrival();
                // A cancelled bid has arrival 0. One comparison for both ends: a tick under `from` wraps around.
                if (arrival <= last || e.tick() - from >= width) revert MarginBidInvalid(key);
                if (arrival >= bound) break;
                last = arrival;
                uint256 given = e.lots() < limit ? e.lots() : limit;
                tally += e.lots() + (given << 64) + ((given * e.tick()) << 128);
            }
        }
        p.lastArrival = uint32(last);
        return (tally, i);
    }

    /// @dev The margin in one formula: a bid gets no more than `early` before the cut, `level` at it, `late` after.
    /// By arrival that is everything, a part, nothing; by rounds `level` + 1, `level`, `level`.
    function _limits(bool byRounds, uint256 level) private pure returns (uint256 early, uint256 late) {
        unchecked {
            return byRounds ? (level + 1, level) : (type(uint32).max, 0);
        }
    }
}
