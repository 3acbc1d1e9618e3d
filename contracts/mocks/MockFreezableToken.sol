// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token whose issuer can freeze accounts
/// @notice A frozen account neither sends nor receives.
contract MockFreezableToken is ERC20("Freezable Token", "COLD") {
    mapping(address account => bool) public frozen;

    error AccountFrozen(address account);

    constructor(uint256 supply) {
        _mint(msg.sender, supply);
    }

    function freeze(address account) external {
        frozen[account] = true;
    }

    function unfreeze(address account) external {
        frozen[account] = false;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (frozen[from]) revert AccountFrozen(from);
        if (frozen[to]) revert AccountFrozen(to);
        super._update(from, to, value);
    }
}
