// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title An ERC-20 whose whole supply exists from the start
/// @notice 18 decimals, ERC-2612 permit, no owner, no minting.
/// @custom:security-contact security@gavelbook.example
/// @custom:kill Nobody can stop the token.
contract FixedSupplyToken is ERC20, ERC20Permit {
    /// @param name_ Name, also of the permit domain.
    /// @param symbol_ Symbol.
    /// @param supply Base units, all of them minted to `holder`.
    /// @param holder Receives the supply.
    constructor(string memory name_, string memory symbol_, uint256 supply, address holder)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        _mint(holder, supply);
    }
}
