// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Terms} from "./ITokenSale.sol";

/// @title Opens sales and funds them in the same transaction
/// @notice A sale from here runs the code this factory was built with and received its whole supply at birth. The
/// factory has no owner and no power over a sale. The address of a sale follows from issuer and terms.
interface ISaleFactory {
    /// @notice A sale was opened by `issuer` and funded with `supplyLots * lotSize` sale tokens.
    event SaleCreated(address indexed sale, address indexed issuer, address indexed saleToken, Terms terms);

    /// @notice `received` sale tokens arrived instead of `expected`: the token takes a fee on transfer.
    error FundingMismatch(uint256 expected, uint256 received);

    /// @notice Open a sale. The caller is the issuer and must have allowed the factory `supplyLots * lotSize`.
    /// @dev Reverts with an error of the terms (see `ITokenSale`), with {FundingMismatch}, or as the token does.
    function createSale(Terms calldata terms) external returns (address sale);

    /// @notice Whether `sale` was opened here.
    function isSale(address sale) external view returns (bool);

    /// @notice Wrapped ether of this chain; zero where there is none.
    function wrappedEther() external view returns (address);
}
