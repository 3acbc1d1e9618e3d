// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice An ERC-1271 account that vouches for everything.
contract WillingSigner {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0x1626ba7e;
    }
}
