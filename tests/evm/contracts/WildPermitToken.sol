// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import {WildToken} from "./WildToken.sol";

/// @notice A WildToken with permits, which it can be made to take without looking at them.
contract WildPermitToken is WildToken, ERC20Permit("Wild") {
    bool public swallowing;

    function swallowPermits(bool on) external {
        swallowing = on;
    }

    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        public
        override
    {
        if (!swallowing) super.permit(owner, spender, value, deadline, v, r, s);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, WildToken) {
        super._update(from, to, value);
    }
}
