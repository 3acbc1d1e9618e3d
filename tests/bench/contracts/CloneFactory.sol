// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {Terms} from "../../../contracts/interfaces/ITokenSale.sol";

/// @title A factory of clones, for the comparison with full code
/// @notice A benchmark's factory, not for use: a clone here carries its terms behind its code, as one would have to,
/// while the implementation reads its own. So what a clone pays to read its terms is left out, in its favour.
contract CloneFactory {
    using SafeERC20 for IERC20;

    address public immutable implementation;
    mapping(address sale => bool) public isSale;

    event SaleCreated(address indexed sale, address indexed issuer, address indexed saleToken, Terms terms);

    error FundingMismatch(uint256 expected, uint256 received);

    constructor(address implementation_) {
        implementation = implementation_;
    }

    function createSale(Terms calldata terms) external returns (address sale) {
        sale = Clones.cloneWithImmutableArgs(implementation, abi.encode(terms));
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
