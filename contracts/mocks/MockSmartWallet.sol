// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title A wallet that is a contract
/// @notice It vouches by ERC-1271 for what its owner signed, and runs calls for anybody. It takes ether from `execute`
/// only; what reaches it otherwise starts the calls it is armed with, or is refused if there are none.
contract MockSmartWallet is IERC1271 {
    address public owner;
    address private _target;
    bytes private _call;
    bytes public answer;

    error EtherRefused();

    constructor(address owner_) {
        owner = owner_;
    }

    receive() external payable {
        if (_target == address(0)) revert EtherRefused();
        (, answer) = _target.call(_call);
    }

    function setOwner(address owner_) external {
        owner = owner_;
    }

    /// @notice Accept ether, and call `target` when it arrives.
    function arm(address target, bytes calldata data) external {
        (_target, _call) = (target, data);
    }

    function execute(address target, bytes calldata data) external payable {
        (bool done, bytes memory reason) = target.call{value: msg.value}(data);
        if (done) return;
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecover(hash, signature);
        return signer == owner ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}
