// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

// Calldata is cut without copying it.
// solhint-disable no-inline-assembly

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

/// @title Whose signature is it
/// @notice Signatures of keys have 65 bytes (r, s, v), s in the lower half, or the 64 of ERC-2098 (r, vs).
library Signatures {
    uint256 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice Whether the key of `signer` made `signature`. Never true of zero.
    function isOfKey(bytes calldata signature, address signer, bytes32 digest) internal pure returns (bool) {
        bytes32 r;
        uint256 s;
        uint256 v;
        assembly ("memory-safe") {
            r := calldataload(signature.offset)
            s := calldataload(add(signature.offset, 0x20))
            v := byte(0, calldataload(add(signature.offset, 0x40)))
        }
        if (signature.length != 65) {
            if (signature.length != 64) return false;
            (s, v) = _unpacked(s);
        }
        return _isOfKey(r, s, v, signer, digest);
    }

    /// @notice As above, of the two words of ERC-2098.
    function isOfKey(bytes32 r, bytes32 vs, address signer, bytes32 digest) internal pure returns (bool) {
        (uint256 s, uint256 v) = _unpacked(uint256(vs));
        return _isOfKey(r, s, v, signer, digest);
    }

    /// @notice As {isOfKey}; a contract may vouch by ERC-1271 instead. Accounts with a key can have code as well.
    function isOfAccount(bytes calldata signature, address account, bytes32 digest) internal view returns (bool) {
        if (isOfKey(signature, account, digest)) return true;
        return account.code.length != 0
            && SignatureChecker.isValidERC1271SignatureNowCalldata(account, digest, signature);
    }

    function _unpacked(uint256 vs) private pure returns (uint256 s, uint256 v) {
        return ((vs << 1) >> 1, 27 + (vs >> 255));
    }

    function _isOfKey(bytes32 r, uint256 s, uint256 v, address signer, bytes32 digest) private pure returns (bool) {
        if (s > MAX_S) return false;
        address found = ecrecover(digest, uint8(v), r, bytes32(s));
        return found == signer && found != address(0);
    }
}
