// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {ExchangeMarkets} from "./ExchangeMarkets.sol";
import {ExchangeSettlement} from "./ExchangeSettlement.sol";

/// @title The exchange
/// @notice See {IExchange}, which is the manual.
/// @custom:security-contact security@gavelbook.example
/// @custom:kill The owner can pause deposits and settlement; withdrawals, exits and cancels never stop.
contract Exchange is ExchangeSettlement {
    /// @param owner Lists markets, pauses, proposes keys.
    /// @param matcher Signs batches and withdrawals.
    /// @param feeRecipient Whose balance the fees go to.
    /// @param exitDelay Seconds between {requestExit} and {exit}.
    /// @param cancelNotice Seconds until {cancel} takes effect, at most `exitDelay`.
    /// @param keyDelay Seconds between proposal and acceptance of a key, at least `exitDelay`.
    constructor(
        address owner,
        address matcher,
        address feeRecipient,
        uint256 exitDelay,
        uint256 cancelNotice,
        uint256 keyDelay
    )
        ExchangeMarkets(owner, matcher, feeRecipient, exitDelay, cancelNotice, keyDelay)
        EIP712("Gavelbook Exchange", "1")
    {}
}
