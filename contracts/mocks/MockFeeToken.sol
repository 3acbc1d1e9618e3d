// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that takes a fee on every transfer
/// @notice The fee is burned: of `value` sent, `value * feeBps / 10,000` does not arrive.
contract MockFeeToken is ERC20("Fee Token", "FEE") {
    uint256 public feeBps;

    constructor(uint256 supply, uint256 feeBps_) {
        _mint(msg.sender, supply);
        feeBps = feeBps_;
    }

    function setFee(uint256 feeBps_) external {
        feeBps = feeBps_;
    }

    function _update(address from, address to, uint256 value) internal override {
        uint256 fee = from == address(0) || to == address(0) ? 0 : value * feeBps / 10_000;
        super._update(from, to, value - fee);
        if (fee != 0) super._update(from, address(0), fee);
    }
}
