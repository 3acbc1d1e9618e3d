// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice An ERC-20 that does everything a test wants: anybody mints, freezes accounts, takes a fee, moves money
/// away, or has a call made in the middle of each transfer.
contract WildToken is ERC20("Wild", "WILD") {
    mapping(address account => bool) public frozen;
    uint256 public fee;
    address public hookTarget;
    bytes public hookData;
    /// @notice What the last call in the middle of a transfer came to: 0 none, 1 failed, 2 succeeded.
    uint256 public hookOutcome;
    bytes public hookAnswer;

    error Frozen(address account);

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function seize(address from, uint256 amount) external {
        _burn(from, amount);
    }

    function freeze(address account, bool on) external {
        frozen[account] = on;
    }

    function setFee(uint256 amount) external {
        fee = amount;
    }

    function setHook(address target, bytes calldata data) external {
        (hookTarget, hookData, hookOutcome) = (target, data, 0);
    }

    function _update(address from, address to, uint256 value) internal virtual override {
        if (frozen[from]) revert Frozen(from);
        if (frozen[to]) revert Frozen(to);
        super._update(from, to, value);
        if (from == address(0) || to == address(0)) return;
        if (fee != 0) super._update(to, address(0), fee);
        if (hookTarget != address(0)) {
            bool done;
            (done, hookAnswer) = hookTarget.call(hookData);
            hookOutcome = done ? 2 : 1;
        }
    }
}
