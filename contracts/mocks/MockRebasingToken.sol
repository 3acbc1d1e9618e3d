// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A token that keeps shares and changes all balances at once
/// @notice As with staked ether, an amount becomes whole shares, rounded down, so one unit can go missing on its way.
contract MockRebasingToken is IERC20 {
    uint256 public totalSupply;
    uint256 public totalShares;
    mapping(address account => uint256) public sharesOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    error SharesShort(address account, uint256 held, uint256 needed);
    error AllowanceShort(address spender, uint256 allowed, uint256 needed);

    constructor(uint256 supply) {
        (totalSupply, totalShares, sharesOf[msg.sender]) = (supply, supply, supply);
    }

    function rebase(uint256 supply) external {
        totalSupply = supply;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        allowance[msg.sender][spender] = value;
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < value) revert AllowanceShort(msg.sender, allowed, value);
        allowance[from][msg.sender] = allowed - value;
        _move(from, to, value);
        return true;
    }

    function balanceOf(address account) external view returns (uint256) {
        return sharesOf[account] * totalSupply / totalShares;
    }

    function _move(address from, address to, uint256 value) private {
        uint256 shares = value * totalShares / totalSupply;
        if (sharesOf[from] < shares) revert SharesShort(from, sharesOf[from], shares);
        sharesOf[from] -= shares;
        sharesOf[to] += shares;
        emit Transfer(from, to, value);
    }
}
