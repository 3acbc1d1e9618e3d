// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

import {WildToken} from "./WildToken.sol";

/// @notice A WildToken with permits.
contract WildPermitToken is WildToken, ERC20Permit("Wild") {
    function _update(address from, address to, uint256 value) internal override(ERC20, WildToken) {
        super._update(from, to, value);
    }
}
