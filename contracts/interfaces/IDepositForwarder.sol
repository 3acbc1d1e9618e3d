// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title A deposit address: what arrives here can only go to its account
/// @notice Tokens sent here are booked to the account by {IExchange-sweep}, ether goes on to the account by
/// {IExchange-sweepEther}. The address follows from the account (see {IExchange-forwarderOf}) and takes tokens
/// before there is code. There is no key to it.
interface IDepositForwarder {
    /// @notice Only the exchange moves what is here.
    error NotExchange(address caller);
    /// @notice `account` did not take the ether.
    error EtherRefused(address account, uint256 amount);

    /// @notice Send all of `token` to the exchange.
    function forward(address token) external;

    /// @notice Send all ether to `account`.
    /// @return amount Wei sent.
    function forwardEther(address payable account) external returns (uint256 amount);
}
