// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {Clearing, ITokenSale, Phase, Pricing, Result, Terms} from "./interfaces/ITokenSale.sol";
import {IWrappedEther} from "./interfaces/IWrappedEther.sol";
import {BidWord} from "./libraries/BidWord.sol";
import {SaleClearing} from "./SaleClearing.sol";
import {SaleTerms} from "./SaleTerms.sol";

/// @title A token sale: every entry point and every movement of money
/// @notice See {ITokenSale}, which is the manual.
/// @custom:security-contact security@gavelbook.example
/// @custom:kill Nobody can stop a sale. It ends by {clear}, or by {abort} from `abortTime`; claims never end.
contract TokenSale is SaleClearing, Multicall, ReentrancyGuardTransient {
    using BidWord for uint256;
    using SafeERC20 for IERC20;

    /// @dev What a bidder has coming. `head` is the first of `words` words of bids.
    struct Position {
        uint256 head;
        uint256 words;
        uint256 wonLots;
        uint256 vestedLots;
        uint256 releasedLots;
        uint256 refund;
    }

    bytes32 private constant ADMISSION_TYPEHASH =
        keccak256("Admission(address bidder,bytes32 entity,uint256 deadline)");

    /// @dev Lots claimed so far, of a bidder whose lots have vested in part.
    mapping(address bidder => uint256) private _releasedLots;

    constructor(Terms memory t, address wrappedEther_) SaleTerms(t, wrappedEther_) EIP712("Gavelbook TokenSale", "1") {}

    /// @dev Ether arrives only when wrapped ether is unwrapped.
    receive() external payable {
        if (msg.sender != wrappedEther) revert EtherNotAccepted();
    }

    /* BIDDING */

    /// @inheritdoc ITokenSale
    function bid(uint256 tick, uint256 lots) external payable nonReentrant returns (uint256 index) {
        index = _place(msg.sender, tick, lots);
        if (msg.value == 0) _pull(lots * _price(tick));
        else _wrap(lots * _price(tick));
    }

    /// @inheritdoc ITokenSale
    function bidWithPermit(uint256 tick, uint256 lots, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        nonReentrant
        returns (uint256 index)
    {
        index = _place(msg.sender, tick, lots);
        uint256 payment = lots * _price(tick);
        try IERC20Permit(_paymentToken).permit(msg.sender, address(this), value, deadline, v, r, s) {}
        catch {
            // Whoever saw the permit in the pool may have submitted it: then the allowance is there.
            uint256 allowance = IERC20(_paymentToken).allowance(msg.sender, address(this));
            if (allowance < payment) revert PermitRefused(payment, allowance);
        }
        _pull(payment);
    }

    /// @inheritdoc ITokenSale
    function cancel(uint256 index) external nonReentrant {
        (uint256 tick, uint256 lots) = _remove(msg.sender, index);
        IERC20(_paymentToken).safeTransfer(msg.sender, lots * _price(tick));
    }

    /// @inheritdoc ITokenSale
    function admit(address bidder, bytes32 entity, uint256 deadline, bytes calldata signature) external nonReentrant {
        if (_gate == address(0)) revert NoGate();
        if (entity == 0) revert EntityZero();
        if (block.timestamp >= deadline) revert AdmissionExpired(deadline);
        bytes32 known = entityOf[bidder];
        // Whoever saw the admission in the pool may have submitted it: then there is nothing left to do.
        if (known == entity) return;
        if (known != 0) revert AlreadyAdmitted(bidder, known);
        _requireSigned(_gate, keccak256(abi.encode(ADMISSION_TYPEHASH, bidder, entity, deadline)), signature);
        entityOf[bidder] = entity;
        emit Admitted(bidder, entity);
    }

    /* CLEARING */

    /// @inheritdoc ITokenSale
    function clear(Clearing calldata clearing, uint256[] calldata margin, bytes calldata signature)
        external
        nonReentrant
    {
        (Result memory r, uint256 sum) = _decide(clearing, margin, signature);
        if (r.phase == Phase.FAILED) {
            _result.phase = Phase.FAILED;
            emit Failed(msg.sender, sum, false);
            return;
        }
        _requireHeld(_saleToken, _supplyLots * _lotSize);
        _requireHeld(_paymentToken, sum);
        _result = r;
        raised = sum;
        emit Cleared(msg.sender, clearing.digest, r.marginalTick, r.level, r.cut, r.soldLots, sum);
    }

    /// @inheritdoc ITokenSale
    function advance(Clearing calldata clearing, uint256[] calldata margin) external nonReentrant {
        _advance(clearing, margin);
    }

    /// @inheritdoc ITokenSale
    function abort() external nonReentrant {
        if (_result.phase != Phase.FUNDED) revert AlreadyDecided(_result.phase);
        if (block.timestamp < _abortTime) revert AbortTooEarly(_abortTime);
        _result.phase = Phase.FAILED;
        emit Failed(msg.sender, 0, true);
    }

    /* CLAIMS */

    /// @inheritdoc ITokenSale
    function claim(address bidder) external nonReentrant {
        _claim(bidder, bidder, bidder, false);
    }

    /// @inheritdoc ITokenSale
    function claimTokens(address bidder) external nonReentrant {
        _claim(bidder, bidder, address(0), false);
    }

    /// @inheritdoc ITokenSale
    function claimRefund(address bidder) external nonReentrant {
        _claim(bidder, address(0), bidder, false);
    }

    /// @inheritdoc ITokenSale
    function claimTo(address tokensTo, address refundTo, bool unwrap) external nonReentrant {
        if (unwrap && _paymentToken != wrappedEther) revert EtherNotAccepted();
        if (tokensTo == address(this) || refundTo == address(this)) revert RecipientInvalid(address(this));
        _claim(msg.sender, tokensTo, refundTo, unwrap);
    }

    /// @inheritdoc ITokenSale
    function claimMany(address[] calldata bidders) external nonReentrant {
        Result memory r = _requireDecided();
        for (uint256 i; i < bidders.length; ++i) {
            _claimSkipping(bidders[i], r);
        }
    }

    /// @inheritdoc ITokenSale
    function collectProceeds() external nonReentrant {
        Result memory r = _requireDecided();
        if (r.proceedsCollected || raised == 0) revert NothingToCollect();
        _result.proceedsCollected = true;
        emit ProceedsCollected(_proceedsRecipient, raised);
        IERC20(_paymentToken).safeTransfer(_proceedsRecipient, raised);
    }

    /// @inheritdoc ITokenSale
    function collectUnsold() external nonReentrant {
        Result memory r = _requireDecided();
        uint256 amount = (_supplyLots - r.soldLots) * _lotSize;
        if (r.unsoldCollected || amount == 0) revert NothingToCollect();
        _result.unsoldCollected = true;
        emit UnsoldCollected(_unsoldRecipient, amount);
        IERC20(_saleToken).safeTransfer(_unsoldRecipient, amount);
    }

    /* VIEWS */

    /// @inheritdoc ITokenSale
    function phase() external view returns (Phase) {
        if (_result.phase != Phase.FUNDED) return _result.phase;
        if (block.timestamp < _start) return Phase.FUNDED;
        return block.timestamp < _end ? Phase.OPEN : Phase.CLOSED;
    }

    /// @inheritdoc ITokenSale
    function owed(address bidder)
        external
        view
        nonReentrantView
        returns (uint256 tokensNow, uint256 tokensLater, uint256 refund)
    {
        Position memory p = _position(bidder, _requireDecided());
        tokensNow = (p.vestedLots - p.releasedLots) * _lotSize;
        tokensLater = (p.wonLots - p.vestedLots) * _lotSize;
        refund = p.refund;
    }

    /* MONEY IN */

    function _pull(uint256 payment) private {
        uint256 before = IERC20(_paymentToken).balanceOf(address(this));
        IERC20(_paymentToken).safeTransferFrom(msg.sender, address(this), payment);
        uint256 received = IERC20(_paymentToken).balanceOf(address(this)) - before;
        if (received != payment) revert PaymentMismatch(payment, received);
    }

    function _wrap(uint256 payment) private {
        if (_paymentToken != wrappedEther) revert EtherNotAccepted();
        if (msg.value != payment) revert PaymentMismatch(payment, msg.value);
        IWrappedEther(wrappedEther).deposit{value: payment}();
    }

    function _requireHeld(address token, uint256 amount) private view {
        uint256 held = IERC20(token).balanceOf(address(this));
        if (held < amount) revert EscrowShort(token, held, amount);
    }

    /* MONEY OUT */

    /// @dev Pay both legs, or those with a recipient. Reverts if a transfer does.
    function _claim(address bidder, address tokensTo, address refundTo, bool unwrap) private {
        Position memory p = _position(bidder, _requireDecided());
        uint256 lots = tokensTo == address(0) ? 0 : p.vestedLots - p.releasedLots;
        uint256 refund = refundTo == address(0) ? 0 : p.refund;
        if (lots == 0 && refund == 0) revert NothingToClaim(bidder);
        _record(bidder, p, lots, refund);

        if (lots != 0) {
            emit TokensClaimed(bidder, tokensTo, lots * _lotSize);
            IERC20(_saleToken).safeTransfer(tokensTo, lots * _lotSize);
        }
        if (refund == 0) return;
        emit RefundClaimed(bidder, refundTo, refund);
        if (unwrap) {
            IWrappedEther(wrappedEther).withdraw(refund);
            Address.sendValue(payable(refundTo), refund);
        } else {
            IERC20(_paymentToken).safeTransfer(refundTo, refund);
        }
    }

    /// @dev Pay both legs; a transfer that fails leaves its leg open. Payment comes before the record, because only
    /// then it is known what to record; every function that could use the moment between is guarded.
    function _claimSkipping(address bidder, Result memory r) private {
        Position memory p = _position(bidder, r);
        uint256 lots = p.vestedLots - p.releasedLots;
        uint256 refund = p.refund;
        if (lots != 0) {
            if (IERC20(_saleToken).trySafeTransfer(bidder, lots * _lotSize)) {
                emit TokensClaimed(bidder, bidder, lots * _lotSize);
            } else {
                emit ClaimSkipped(bidder, false, lots * _lotSize);
                lots = 0;
            }
        }
        if (refund != 0) {
            if (IERC20(_paymentToken).trySafeTransfer(bidder, refund)) {
                emit RefundClaimed(bidder, bidder, refund);
            } else {
                emit ClaimSkipped(bidder, true, refund);
                refund = 0;
            }
        }
        if (lots != 0 || refund != 0) _record(bidder, p, lots, refund);
    }

    function _requireDecided() private view returns (Result memory r) {
        r = _result;
        if (r.phase == Phase.FUNDED) revert NotDecided();
    }

    /// @dev What is still owed: legs already paid count zero.
    function _position(address bidder, Result memory r) private view returns (Position memory p) {
        uint256 base = _wordKey(bidder, 0);
        uint256 won;
        uint256 refund;
        uint256 word;
        uint256 w;
        do {
            word = _words[base | w];
            if (w == 0) p.head = word;
            (won, refund) = _settle(word, r, won, refund);
            unchecked {
                ++w;
            }
        } while (w < MAX_WORDS && word.isUsedUp());
        p.words = w;
        if (p.head & BidWord.REFUND_DONE == 0) p.refund = refund;
        if (p.head & BidWord.TOKENS_DONE != 0) return p;
        if (_vestingEnd != 0) p.releasedLots = _releasedLots[bidder];
        p.wonLots = won;
        p.vestedLots = _vested(won);
    }

    /// @dev Add what the bids of one word won and get back. Nothing overflows: lots won are part of the supply,
    /// refunds part of what was escrowed, and a winner pays no more than the own price.
    function _settle(uint256 word, Result memory r, uint256 won, uint256 refund)
        private
        view
        returns (uint256, uint256)
    {
        unchecked {
            for (uint256 i; i < BidWord.ENTRIES; ++i) {
                uint256 e = word.entry(i);
                uint256 lots = e.lots();
                if (lots == 0) continue;
                uint256 own = _price(e.tick());
                uint256 filled = _fill(r, e.tick(), lots, e.arrival());
                won += filled;
                refund += lots * own - filled * (_pricing == Pricing.UNIFORM ? _price(r.marginalTick) : own);
            }
        }
        return (won, refund);
    }

    /// @dev Whole lots vested so far, rounded down; all of them from `vestingEnd`.
    function _vested(uint256 lots) private view returns (uint256) {
        if (block.timestamp >= _vestingEnd) return lots;
        if (block.timestamp < _vestingCliff) return 0;
        return lots * (block.timestamp - _vestingStart) / (_vestingEnd - _vestingStart);
    }

    /// @dev Store the position as it is after `lots` and `refund` were paid. Bids vanish once nothing is owed on
    /// them.
    function _record(address bidder, Position memory p, uint256 lots, uint256 refund) private {
        uint256 base = _wordKey(bidder, 0);
        bool tokensOpen = p.releasedLots + lots < p.wonLots;
        bool refundOpen = refund < p.refund;
        if (_vestingEnd != 0) _releasedLots[bidder] = tokensOpen ? p.releasedLots + lots : 0;
        if (tokensOpen || refundOpen) {
            if (!tokensOpen) p.head |= BidWord.TOKENS_DONE;
            if (!refundOpen) p.head |= BidWord.REFUND_DONE;
            _words[base] = p.head;
            return;
        }
        for (uint256 w; w < p.words; ++w) {
            _words[base | w] = 0;
        }
    }
}
