// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

import {IWrappedEther} from "../interfaces/IWrappedEther.sol";

/// @title Wrapped ether for local chains and tests
contract MockWrappedEther is ERC20("Wrapped Ether", "WETH"), IWrappedEther {
    error UnwrapRefused(address to, uint256 amount);

    receive() external payable {
        deposit();
    }

    /// @inheritdoc IWrappedEther
    function deposit() public payable {
        _mint(msg.sender, msg.value);
    }

    /// @inheritdoc IWrappedEther
    function withdraw(uint256 amount) external {
        _burn(msg.sender, amount);
        (bool sent,) = msg.sender.call{value: amount}("");
        if (!sent) revert UnwrapRefused(msg.sender, amount);
    }
}
