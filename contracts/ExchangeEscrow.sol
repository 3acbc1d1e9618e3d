// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {DepositForwarder} from "./DepositForwarder.sol";
import {ExchangeMarkets} from "./ExchangeMarkets.sol";
import {IExchange} from "./interfaces/IExchange.sol";
import {BalanceWord} from "./libraries/BalanceWord.sol";
import {Signatures} from "./libraries/Signatures.sol";

/// @title Balances of the exchange: how money comes and goes
/// @dev All that calls foreign code is here, guarded against reentrancy, with balances booked before money leaves and
/// after it has arrived.
/// @custom:security-contact security@gavelbook.example
abstract contract ExchangeEscrow is ExchangeMarkets, EIP712, ReentrancyGuardTransient {
    using BalanceWord for uint256;
    using SafeERC20 for IERC20;
    using Signatures for bytes;

    /// @dev A word as of {BalanceWord}, in a struct so that it is looked up once to be read and written.
    struct Balance {
        uint256 word;
    }

    struct Nonce {
        uint256 last;
    }

    bytes32 private constant WITHDRAWAL_TYPEHASH = keccak256(
        "Withdrawal(address account,address token,uint256 amount,address to,uint256 nonce,uint256 deadline)"
    );
    bytes32 private constant FORWARDER_CODE_HASH = keccak256(type(DepositForwarder).creationCode);

    /// @dev By token first, so that a batch finds the balances of its two tokens with one hash each.
    mapping(address token => mapping(address account => Balance)) internal _balances;

    mapping(address account => Nonce) private _withdrawalNonces;

    /* DEPOSITS */

    /// @inheritdoc IExchange
    function deposit(address token, uint256 amount) external whenNotPaused nonReentrant {
        _deposit(msg.sender, token, msg.sender, amount);
    }

    /// @inheritdoc IExchange
    function depositFor(address account, address token, uint256 amount) external whenNotPaused nonReentrant {
        _requireAccount(account);
        _deposit(account, token, msg.sender, amount);
    }

    /// @inheritdoc IExchange
    function depositWithPermit(
        address owner_,
        address token,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external whenNotPaused nonReentrant {
        IERC20Permit permitToken = IERC20Permit(token);
        bool byOwner = msg.sender == owner_;
        uint256 nonce = byOwner ? 0 : permitToken.nonces(owner_);
        bool refused;
        try permitToken.permit(owner_, address(this), amount, deadline, v, r, s) {}
        catch {
            refused = true;
        }
        // A token may swallow the call without having looked at the signature; its count of permits shows.
        if (!byOwner && (refused || permitToken.nonces(owner_) == nonce)) revert PermitRefused(token, owner_);
        _deposit(owner_, token, owner_, amount);
    }

    /// @inheritdoc IExchange
    /// @dev What others send to the exchange meanwhile is a gift.
    // slither-disable-next-line reentrancy-balance
    function sweep(address account, address token) external nonReentrant returns (uint256 amount) {
        DepositForwarder forwarder = _forwarder(account);
        uint256 before = IERC20(token).balanceOf(address(this));
        forwarder.forward(token);
        amount = _arrived(account, token, before);
        if (amount == 0) revert NothingToSweep(account);
        _credit(token, account, amount);
        emit Deposited(account, token, address(forwarder), amount);
    }

    /// @inheritdoc IExchange
    function sweepEther(address account) external nonReentrant returns (uint256 amount) {
        amount = _forwarder(account).forwardEther(payable(account));
        if (amount == 0) revert NothingToSweep(account);
        emit EtherSwept(account, amount);
    }

    /// @inheritdoc IExchange
    function forwarderOf(address account) public view returns (address) {
        return Create2.computeAddress(_salt(account), FORWARDER_CODE_HASH);
    }

    /* LEAVING */

    /// @inheritdoc IExchange
    function withdraw(
        address account,
        address token,
        uint256 amount,
        address to,
        uint256 nonce,
        uint256 deadline,
        bytes calldata accountSignature,
        bytes calldata matcherSignature
    ) external nonReentrant {
        if (block.timestamp > deadline) revert WithdrawalExpired(deadline);
        if (amount == 0) revert AmountZero();
        _requireRecipient(to);
        Nonce storage last = _withdrawalNonces[account];
        if (nonce <= last.last) revert NonceUsed(account, last.last, nonce);
        bytes32 digest = _hashTypedDataV4(_withdrawalHash());
        if (msg.sender != account && !accountSignature.isOfAccount(account, digest)) revert SignatureInvalid(account);
        if (!matcherSignature.isOfKey(_head.matcher, digest)) revert BadMatcherSignature();

        last.last = nonce;
        _debit(token, account, amount);
        emit Withdrawn(account, token, to, amount, nonce);
        IERC20(token).safeTransfer(to, amount);
    }

    /// @inheritdoc IExchange
    function requestExit(address[] calldata tokens) external {
        uint256 exitAt = block.timestamp + exitDelay;
        for (uint256 i; i < tokens.length; ++i) {
            Balance storage balance = _balances[tokens[i]][msg.sender];
            if (balance.word.exitAt() != 0) continue;
            balance.word = balance.word.withExit(exitAt);
            emit ExitRequested(msg.sender, tokens[i], exitAt);
        }
    }

    /// @inheritdoc IExchange
    function cancelExit(address[] calldata tokens) external {
        for (uint256 i; i < tokens.length; ++i) {
            Balance storage balance = _balances[tokens[i]][msg.sender];
            if (balance.word.exitAt() == 0) revert NoExit(msg.sender, tokens[i]);
            balance.word = balance.word.amount();
            emit ExitCancelled(msg.sender, tokens[i]);
        }
    }

    /// @inheritdoc IExchange
    function exit(address token, address to) external nonReentrant {
        _requireRecipient(to);
        _exit(msg.sender, token, to);
    }

    /// @inheritdoc IExchange
    function exitFor(address account, address token) external nonReentrant {
        _exit(account, token, account);
    }

    /// @inheritdoc IExchange
    function balanceOf(address account, address token) external view returns (uint256 amount, uint256 exitAt) {
        uint256 word = _balances[token][account].word;
        return (word.amount(), word.exitAt());
    }

    /// @inheritdoc IExchange
    function withdrawalNonce(address account) external view returns (uint256) {
        return _withdrawalNonces[account].last;
    }

    function _credit(address token, address account, uint256 amount) internal {
        Balance storage balance = _balances[token][account];
        uint256 word = balance.word;
        if (amount > BalanceWord.MAX_AMOUNT - word.amount()) revert BalanceTooLarge(account, token, amount);
        balance.word = word + amount;
    }

    function _debit(address token, address account, uint256 amount) internal {
        Balance storage balance = _balances[token][account];
        uint256 word = balance.word;
        if (word.amount() < amount) revert InsufficientBalance(account, token, word.amount(), amount);
        unchecked {
            balance.word = word - amount;
        }
    }

    /// @dev The hash of the withdrawal asked for: the arguments are its typed data, in calldata as EIP-712 wants them.
    function _withdrawalHash() private pure returns (bytes32 hash) {
        bytes32 typeHash = WITHDRAWAL_TYPEHASH;
        // solhint-disable-next-line no-inline-assembly
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, typeHash)
            calldatacopy(add(data, 0x20), 4, 0xc0)
            hash := keccak256(data, 0xe0)
        }
    }

    function _deposit(address account, address token, address payer, uint256 amount) private {
        if (amount == 0) revert AmountZero();
        uint256 before = IERC20(token).balanceOf(address(this));
        // The payer is the caller or has signed a permit. slither-disable-next-line arbitrary-send-erc20
        IERC20(token).safeTransferFrom(payer, address(this), amount);
        uint256 received = _arrived(account, token, before);
        if (received != amount) revert DepositMismatch(token, amount, received);
        _credit(token, account, amount);
        emit Deposited(account, token, payer, amount);
    }

    /// @dev What has come since the exchange held `before`. All it holds stays under 2**216, so no settlement of an
    /// honest token can push a balance beyond.
    function _arrived(address account, address token, uint256 before) private view returns (uint256) {
        uint256 held = IERC20(token).balanceOf(address(this));
        if (held > BalanceWord.MAX_AMOUNT) revert BalanceTooLarge(account, token, held);
        return held > before ? held - before : 0;
    }

    function _exit(address account, address token, address to) private {
        Balance storage balance = _balances[token][account];
        uint256 word = balance.word;
        uint256 exitAt = word.exitAt();
        if (exitAt == 0) revert NoExit(account, token);
        if (block.timestamp < exitAt) revert ExitNotDue(account, token, exitAt);
        balance.word = 0;
        emit Exited(account, token, to, word.amount());
        if (word.amount() != 0) IERC20(token).safeTransfer(to, word.amount());
    }

    /// @dev The forwarder of `account`, deployed where it is not.
    function _forwarder(address account) private returns (DepositForwarder) {
        _requireAccount(account);
        address forwarder = forwarderOf(account);
        if (forwarder.code.length == 0) return new DepositForwarder{salt: _salt(account)}();
        return DepositForwarder(forwarder);
    }

    function _salt(address account) private pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }

    function _requireRecipient(address to) private view {
        if (to == address(0) || to == address(this)) revert RecipientInvalid(to);
    }
}
