// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that answers false instead of reverting
/// @notice While it refuses, or when balance or allowance are short, a transfer moves nothing and returns false.
contract MockFalseToken is ERC20("False Token", "FALSE") {
    bool public refusing;

    constructor(uint256 supply) {
        _mint(msg.sender, supply);
    }

    function refuse() external {
        refusing = true;
    }

    function relent() external {
        refusing = false;
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        if (refusing || balanceOf(msg.sender) < value) return false;
        return super.transfer(to, value);
    }

    function transferFrom(address from, address to, uint256 value) public override returns (bool) {
        if (refusing || balanceOf(from) < value || allowance(from, msg.sender) < value) return false;
        return super.transferFrom(from, to, value);
    }
}
