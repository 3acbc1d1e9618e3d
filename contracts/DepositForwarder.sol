// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {IDepositForwarder} from "./interfaces/IDepositForwarder.sol";

/// @title A deposit address of one account
/// @notice See {IDepositForwarder}.
/// @custom:security-contact security@gavelbook.example
/// @custom:kill Nobody can stop a forwarder.
contract DepositForwarder is IDepositForwarder {
    using SafeERC20 for IERC20;

    address private immutable _exchange = msg.sender;

    modifier onlyExchange() {
        if (msg.sender != _exchange) revert NotExchange(msg.sender);
        _;
    }

    /// @inheritdoc IDepositForwarder
    function forward(address token) external onlyExchange {
        IERC20(token).safeTransfer(_exchange, IERC20(token).balanceOf(address(this)));
    }

    /// @inheritdoc IDepositForwarder
    function forwardEther(address payable account) external onlyExchange returns (uint256 amount) {
        amount = address(this).balance;
        (bool sent,) = account.call{value: amount}("");
        if (!sent) revert EtherRefused(account, amount);
    }
}
