// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that calls back in the middle of every transfer
/// @notice The calls come from the token, so it can itself be a bidder. What they answer is kept.
contract MockReentrantToken is ERC20("Reentrant Token", "LOOP") {
    struct Answer {
        bool done;
        bytes data;
    }

    address private _target;
    bytes[] private _calls;
    Answer[] private _answers;

    constructor(uint256 supply) {
        _mint(msg.sender, supply);
    }

    /// @notice Make these calls to `target` within the next transfer.
    function arm(address target, bytes[] calldata calls) external {
        _target = target;
        _calls = calls;
        delete _answers;
    }

    /// @notice Call `target` as the token, outside of a transfer.
    function execute(address target, bytes calldata data) external {
        (bool done, bytes memory answer) = target.call(data);
        if (done) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }

    function answers() external view returns (Answer[] memory) {
        return _answers;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        bytes[] memory calls = _calls;
        delete _calls;
        for (uint256 i; i < calls.length; ++i) {
            (bool done, bytes memory data) = _target.call(calls[i]);
            _answers.push(Answer(done, data));
        }
    }
}
