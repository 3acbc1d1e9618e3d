// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";

import {MarketTerms} from "./MarketTerms.sol";
import {IExchange, Market} from "./interfaces/IExchange.sol";

/// @title The markets of the exchange, and what its owner may do
/// @custom:security-contact security@gavelbook.example
abstract contract ExchangeMarkets is IExchange, Ownable2Step {
    /// @dev What every batch reads, in one word.
    struct Head {
        address matcher;
        uint64 lastBatch;
        bool paused;
    }

    struct Proposal {
        address proposed;
        uint64 readyAt;
    }

    uint256 private constant MAX_DELAY = 90 days;
    uint256 private constant MAX_FEE_BPS = 1_000;
    uint256 private constant MAX_LOT_SIZE = type(uint128).max;
    /// @dev Keeps lots * ticks * tickValue under 2**236.
    uint256 private constant MAX_TICK_VALUE = (1 << 108) - 1;

    /// @inheritdoc IExchange
    uint256 public immutable exitDelay;
    /// @inheritdoc IExchange
    uint256 public immutable cancelNotice;
    /// @inheritdoc IExchange
    uint256 public immutable keyDelay;

    bytes32 private immutable _termsCodeHash = keccak256(type(MarketTerms).creationCode);

    Head internal _head;

    /// @inheritdoc IExchange
    address public feeRecipient;

    Proposal private _proposedMatcher;
    Proposal private _proposedFeeRecipient;

    mapping(uint256 id => Market) private _markets;

    /// @inheritdoc IExchange
    uint256 public marketCount;

    /// @inheritdoc IExchange
    mapping(address base => mapping(address quote => uint256 id)) public marketOf;

    modifier whenNotPaused() {
        if (_head.paused) revert ExchangePaused();
        _;
    }

    constructor(
        address owner_,
        address matcher_,
        address feeRecipient_,
        uint256 exitDelay_,
        uint256 cancelNotice_,
        uint256 keyDelay_
    ) Ownable(owner_) {
        if (matcher_ == address(0)) revert AddressMissing();
        _requireAccount(feeRecipient_);
        if (cancelNotice_ == 0 || exitDelay_ < cancelNotice_ || keyDelay_ < exitDelay_ || MAX_DELAY < keyDelay_) {
            revert DelaysInvalid(exitDelay_, cancelNotice_, keyDelay_, MAX_DELAY);
        }
        exitDelay = exitDelay_;
        cancelNotice = cancelNotice_;
        keyDelay = keyDelay_;
        _head.matcher = matcher_;
        feeRecipient = feeRecipient_;
        emit MatcherChanged(matcher_);
        emit FeeRecipientChanged(feeRecipient_);
    }

    /* MARKETS */

    /// @inheritdoc IExchange
    function listMarket(
        address base,
        address quote,
        uint256 lotSize,
        uint256 tickValue,
        uint256 takerFeeBps,
        uint256 makerFeeBps
    ) external onlyOwner returns (uint256 id) {
        if (base.code.length == 0) revert NotAToken(base);
        if (quote.code.length == 0) revert NotAToken(quote);
        if (base == quote) revert TokensEqual(base);
        if (marketOf[base][quote] != 0) revert MarketExists(marketOf[base][quote]);
        if (lotSize == 0 || lotSize > MAX_LOT_SIZE) revert LotSizeInvalid(lotSize, MAX_LOT_SIZE);
        if (tickValue == 0 || tickValue > MAX_TICK_VALUE) revert TickValueInvalid(tickValue, MAX_TICK_VALUE);
        if (takerFeeBps > MAX_FEE_BPS) revert FeeInvalid(takerFeeBps, MAX_FEE_BPS);
        if (makerFeeBps > MAX_FEE_BPS) revert FeeInvalid(makerFeeBps, MAX_FEE_BPS);
        id = ++marketCount;
        if (id > type(uint16).max) revert TooManyMarkets(type(uint16).max);

        marketOf[base][quote] = id;
        _markets[id] = Market({
            base: base,
            takerFeeBps: uint16(takerFeeBps),
            makerFeeBps: uint16(makerFeeBps),
            quote: quote,
            lotSize: uint128(lotSize),
            tickValue: uint128(tickValue)
        });
        emit MarketListed(id, base, quote, lotSize, tickValue, takerFeeBps, makerFeeBps);
        new MarketTerms{salt: bytes32(id)}();
    }

    /// @inheritdoc IExchange
    function market(uint256 id) external view returns (Market memory) {
        return _requireMarket(id);
    }

    /* KEYS */

    /// @inheritdoc IExchange
    function proposeMatcher(address newMatcher) external onlyOwner {
        if (newMatcher == address(0)) revert AddressMissing();
        emit MatcherProposed(newMatcher, _propose(_proposedMatcher, newMatcher));
    }

    /// @inheritdoc IExchange
    function acceptMatcher() external onlyOwner {
        address accepted = _accept(_proposedMatcher);
        _head.matcher = accepted;
        emit MatcherChanged(accepted);
    }

    /// @inheritdoc IExchange
    function revokeMatcher() external {
        if (msg.sender != _head.matcher) _checkOwner();
        _head.matcher = address(0);
        emit MatcherChanged(address(0));
    }

    /// @inheritdoc IExchange
    function proposeFeeRecipient(address newRecipient) external onlyOwner {
        _requireAccount(newRecipient);
        emit FeeRecipientProposed(newRecipient, _propose(_proposedFeeRecipient, newRecipient));
    }

    /// @inheritdoc IExchange
    function acceptFeeRecipient() external onlyOwner {
        address accepted = _accept(_proposedFeeRecipient);
        feeRecipient = accepted;
        emit FeeRecipientChanged(accepted);
    }

    /// @inheritdoc IExchange
    function pause() external onlyOwner whenNotPaused {
        _head.paused = true;
        emit Paused(msg.sender);
    }

    /// @inheritdoc IExchange
    function unpause() external onlyOwner {
        if (!_head.paused) revert ExchangeNotPaused();
        _head.paused = false;
        emit Unpaused(msg.sender);
    }

    /// @inheritdoc IExchange
    function matcher() external view returns (address) {
        return _head.matcher;
    }

    /// @inheritdoc IExchange
    function lastBatch() external view returns (uint256) {
        return _head.lastBatch;
    }

    /// @inheritdoc IExchange
    function paused() external view returns (bool) {
        return _head.paused;
    }

    /// @inheritdoc IExchange
    function proposedMatcher() external view returns (address newMatcher, uint256 readyAt) {
        return (_proposedMatcher.proposed, _proposedMatcher.readyAt);
    }

    /// @inheritdoc IExchange
    function proposedFeeRecipient() external view returns (address newRecipient, uint256 readyAt) {
        return (_proposedFeeRecipient.proposed, _proposedFeeRecipient.readyAt);
    }

    function _requireMarket(uint256 id) internal view returns (Market memory found) {
        found = _markets[id];
        if (found.base == address(0)) revert UnknownMarket(id);
    }

    /// @dev Where the {MarketTerms} of market `id` are. There is no code where there is no such market.
    function _termsOf(uint256 id) internal view returns (address) {
        return Create2.computeAddress(bytes32(id), _termsCodeHash);
    }

    function _requireAccount(address account) internal view {
        if (account == address(0) || account == address(this)) revert AccountInvalid(account);
    }

    function _propose(Proposal storage proposal, address proposed) private returns (uint256 readyAt) {
        readyAt = block.timestamp + keyDelay;
        (proposal.proposed, proposal.readyAt) = (proposed, uint64(readyAt));
    }

    function _accept(Proposal storage proposal) private returns (address accepted) {
        uint256 readyAt = proposal.readyAt;
        if (readyAt == 0) revert NothingProposed();
        if (block.timestamp < readyAt) revert ProposalNotReady(readyAt);
        accepted = proposal.proposed;
        (proposal.proposed, proposal.readyAt) = (address(0), 0);
    }
}
