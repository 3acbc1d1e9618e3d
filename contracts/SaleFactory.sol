// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ISaleFactory} from "./interfaces/ISaleFactory.sol";
import {Terms} from "./interfaces/ITokenSale.sol";
import {TokenSale} from "./TokenSale.sol";

/// @title Opens and funds sales
/// @notice See {ISaleFactory}, which is the manual.
/// @custom:security-contact security@gavelbook.example
/// @custom:kill Nobody can stop the factory; it holds nothing between transactions.
contract SaleFactory is ISaleFactory {
    using SafeERC20 for IERC20;

    /// @inheritdoc ISaleFactory
    address public immutable wrappedEther;
    /// @inheritdoc ISaleFactory
    mapping(address sale => bool) public isSale;
    mapping(address issuer => uint256) private _opened;

    constructor(address wrappedEther_) {
        wrappedEther = wrappedEther_;
    }

    /// @inheritdoc ISaleFactory
    function createSale(Terms calldata terms) external returns (address sale) {
        // The address binds issuer and terms, so that a reorganised chain cannot put another sale under it.
        bytes32 salt = keccak256(abi.encode(msg.sender, _opened[msg.sender]++));
        sale = address(new TokenSale{salt: salt}(terms, wrappedEther));
        isSale[sale] = true;
        emit SaleCreated(sale, msg.sender, terms.saleToken, terms);

        IERC20 token = IERC20(terms.saleToken);
        uint256 amount = terms.supplyLots * terms.lotSize;
        uint256 before = token.balanceOf(sale);
        token.safeTransferFrom(msg.sender, sale, amount);
        uint256 received = token.balanceOf(sale) - before;
        if (received != amount) revert FundingMismatch(amount, received);
    }
}
