// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @title Wrapped ether, as far as the sale needs it
interface IWrappedEther {
    /// @notice Wrap the ether sent.
    function deposit() external payable;

    /// @notice Unwrap `amount` wei to the caller.
    function withdraw(uint256 amount) external;
}
