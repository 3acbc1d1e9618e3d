// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice A market. It never changes.
/// @param base The ERC-20 traded.
/// @param takerFeeBps Cap on the taker fee, in 1/10,000 of the quote amount, at most 1,000.
/// @param makerFeeBps Cap on the maker fee, as above.
/// @param quote The ERC-20 paid with.
/// @param lotSize Base units in a lot, 1 to 2**128 - 1.
/// @param tickValue Quote base units that one lot costs per tick, 1 to 2**108 - 1.
struct Market {
    address base;
    uint16 takerFeeBps;
    uint16 makerFeeBps;
    address quote;
    uint128 lotSize;
    uint128 tickValue;
}

/// @notice An order as the exchange counts it. What its maker signs is in readable amounts: see {IExchange-orderHash}.
/// @param maker Who trades.
/// @param market Id of the market.
/// @param sell Whether the order sells base tokens.
/// @param lots Size.
/// @param ticks Limit price: most that a buyer pays, least that a seller gets, before fees.
/// @param lane Lane of the maker, see {IExchange-laneOf}.
/// @param sequence Number within the lane, from 1. A fill of a higher one voids the lower ones.
/// @param expiry Last second (Unix time) in which the order can be filled.
/// @param maxFeeBps Most fee that the maker pays, in 1/10,000 of the quote amount.
struct Order {
    address maker;
    uint16 market;
    bool sell;
    uint64 lots;
    uint64 ticks;
    uint32 lane;
    uint32 sequence;
    uint40 expiry;
    uint16 maxFeeBps;
}

/// @title An exchange that holds balances in escrow and settles signed orders in batches
/// @notice Traders deposit ERC-20 tokens and sign orders. A matcher off chain pairs them and signs batches; the
/// exchange checks every order and every fill again, so the matcher is trusted with the order of things, not with
/// money. Money leaves at once with the matcher's co-signature, or after a fixed delay without anybody's help.
/// @dev Money rules. `f` lots filled at `t` ticks move `f * lotSize` base units to the buyer and
/// `q = f * t * tickValue` quote units to the seller. Each side pays `q * feeBps / 10_000`, rounded down per fill, in
/// quote tokens: on top for the buyer, taken off for the seller. Fees go to the balance of the fee recipient. The
/// price is that of the maker order, the one that rested. Balances stay under 2**216; what would go beyond is refused.
///
/// Who can do what. The matcher decides which signed orders meet and when. It cannot fill beyond limit, size, expiry,
/// fee bound or balance, nor twice, nor out of the signed order of batches; with its key alone a thief can only match
/// orders that people have signed. The owner lists markets, pauses deposits and settlement, and exchanges matcher and
/// fee recipient after `keyDelay`, which is no shorter than `exitDelay`: whoever dislikes a new key leaves before it
/// counts. Nobody can stop {exit} and {exitFor}, nor change the code.
///
/// Leaving without the matcher: {requestExit}, wait `exitDelay`, {exit}. In between settlement may still use the
/// balance, so that trades already matched settle; afterwards it cannot.
///
/// Tokens. Deposits must arrive in full, so a token that takes a fee on transfer is refused by {deposit}. A token
/// that changes balances by itself is not supported: it can leave the exchange short of that token. One token's
/// failure touches no other token.
///
/// Times are Unix seconds. A deadline or expiry `d` means `now <= d`; what begins at `t` has begun when `now >= t`.
interface IExchange {
    /* EVENTS: MONEY */

    /// @notice `amount` of `token` was paid in by `payer` (the forwarder for a sweep) for `account`.
    event Deposited(address indexed account, address indexed token, address payer, uint256 amount);

    /// @notice Stray ether at the deposit address of `account` went to `account`.
    event EtherSwept(address indexed account, uint256 amount);

    /// @notice `amount` of `token` left with the matcher's consent.
    event Withdrawn(address indexed account, address indexed token, address to, uint256 amount, uint256 nonce);

    /// @notice The balance of `token` can be taken out from `exitAt`.
    event ExitRequested(address indexed account, address indexed token, uint256 exitAt);

    /// @notice The balance of `token` stays after all.
    event ExitCancelled(address indexed account, address indexed token);

    /// @notice The whole balance of `token`, `amount`, left without the matcher.
    event Exited(address indexed account, address indexed token, address to, uint256 amount);

    /* EVENTS: TRADING */

    /// @notice Two orders met. `makerOrder` and `takerOrder` are their {orderHash}.
    /// @param packed From the lowest bit: lots (64), ticks of the price (64), 8 empty, number of the batch (64), maker
    /// fee (16) and taker fee (16) in 1/10,000, whether the taker sells (8), market (16). Amounts and fees follow from
    /// it; the accounts are in the batch, which is the input of the transaction.
    event Fill(bytes32 makerOrder, bytes32 takerOrder, uint256 packed);

    /// @notice Batch `number` was settled, after its fills were announced in their order.
    /// @param logHead Head of the matcher's public log up to which the batch goes.
    /// @param contentHash keccak256 of the batch.
    /// @param fees Quote units that went to the fee recipient.
    event BatchSettled(
        uint256 indexed number, uint256 indexed market, bytes32 logHead, bytes32 contentHash, uint256 fees
    );

    /// @notice From `cancelAt` no order of `lane` with a sequence up to `sequence` can be filled.
    event CancelRequested(address indexed account, uint256 indexed lane, uint256 sequence, uint256 cancelAt);

    /// @notice The contract `account` vouches for an order.
    event OrderApproved(address indexed account, bytes32 indexed orderHash);

    /// @notice The approval ends at `until`.
    event ApprovalRevoked(address indexed account, bytes32 indexed orderHash, uint256 until);

    /* EVENTS: ADMINISTRATION */

    /// @notice A market was listed. See {Market}.
    event MarketListed(
        uint256 indexed id,
        address indexed base,
        address indexed quote,
        uint256 lotSize,
        uint256 tickValue,
        uint256 takerFeeBps,
        uint256 makerFeeBps
    );

    /// @notice `matcher` can be accepted from `readyAt`.
    event MatcherProposed(address indexed matcher, uint256 readyAt);
    /// @notice `matcher` signs from now on; zero if nobody does.
    event MatcherChanged(address indexed matcher);
    /// @notice `recipient` can be accepted from `readyAt`.
    event FeeRecipientProposed(address indexed recipient, uint256 readyAt);
    /// @notice Fees go to the balance of `recipient` from now on.
    event FeeRecipientChanged(address indexed recipient);
    /// @notice Deposits and settlement are stopped.
    event Paused(address account);
    /// @notice Deposits and settlement go on.
    event Unpaused(address account);

    /* ERRORS: ADMINISTRATION */

    /// @notice A required address is zero.
    error AddressMissing();
    /// @notice Not `0 < cancelNotice <= exitDelay <= keyDelay <= max`.
    error DelaysInvalid(uint256 exitDelay, uint256 cancelNotice, uint256 keyDelay, uint256 max);
    /// @notice There is no contract at this address.
    error NotAToken(address token);
    /// @notice Base and quote token are the same.
    error TokensEqual(address token);
    /// @notice The pair is already listed as market `id`.
    error MarketExists(uint256 id);
    /// @notice `lotSize` is not in 1 to `max`.
    error LotSizeInvalid(uint256 lotSize, uint256 max);
    /// @notice `tickValue` is not in 1 to `max`.
    error TickValueInvalid(uint256 tickValue, uint256 max);
    /// @notice A fee is above `max`, in 1/10,000.
    error FeeInvalid(uint256 feeBps, uint256 max);
    /// @notice Market ids have run out.
    error TooManyMarkets(uint256 max);
    /// @notice No market has this id.
    error UnknownMarket(uint256 id);
    /// @notice Nothing was proposed.
    error NothingProposed();
    /// @notice The proposal can be accepted from `readyAt`.
    error ProposalNotReady(uint256 readyAt);
    /// @notice Deposits and settlement are stopped.
    error ExchangePaused();
    /// @notice Deposits and settlement are not stopped.
    error ExchangeNotPaused();

    /* ERRORS: MONEY */

    /// @notice Balances belong neither to zero nor to the exchange.
    error AccountInvalid(address account);
    /// @notice Tokens are sent neither to zero nor to the exchange.
    error RecipientInvalid(address recipient);
    /// @notice An amount of zero.
    error AmountZero();
    /// @notice `received` of `token` arrived instead of `expected`.
    error DepositMismatch(address token, uint256 expected, uint256 received);
    /// @notice Balances, and all that the exchange holds of a token, stay under 2**216.
    error BalanceTooLarge(address account, address token, uint256 amount);
    /// @notice The account holds `held` of `token` and `needed` is needed.
    error InsufficientBalance(address account, address token, uint256 held, uint256 needed);
    /// @notice The permit was refused, or the caller is not the owner and the token did not count a permit.
    error PermitRefused(address token, address owner);
    /// @notice Nothing of it is at the deposit address.
    error NothingToSweep(address account);
    /// @notice Nonces of an account rise: the next is above `last`.
    error NonceUsed(address account, uint256 last, uint256 nonce);
    /// @notice The withdrawal could be made until `deadline`.
    error WithdrawalExpired(uint256 deadline);
    /// @notice The signature is not one of `signer` over this message, chain and exchange.
    error SignatureInvalid(address signer);
    /// @notice The matcher has not signed this withdrawal.
    error BadMatcherSignature();
    /// @notice No exit of `token` was requested.
    error NoExit(address account, address token);
    /// @notice The balance can be taken out from `exitAt`.
    error ExitNotDue(address account, address token, uint256 exitAt);

    /* ERRORS: ORDERS */

    /// @notice Only the maker vouches for an order.
    error NotMaker(address maker, address caller);
    /// @notice The caller has not approved this order, or has revoked it already.
    error NotApproved(address account, bytes32 orderHash);
    /// @notice Orders of the lane up to `sequence` are void already.
    error NothingToCancel(address account, uint256 lane, uint256 sequence);
    /// @notice Another cancel of the lane takes effect at `cancelAt`; a higher one can follow from then.
    error CancelPending(address account, uint256 lane, uint256 cancelAt);

    /* ERRORS: SETTLEMENT */

    /// @notice The length of the batch does not fit its numbers, it has no fill, or an order has unknown flags.
    error MalformedBatch(uint256 length);
    /// @notice The next batch is `expected`.
    error WrongBatchNumber(uint256 expected, uint256 was);
    /// @notice A fee of the batch is above the cap of the market.
    error FeeAboveMarket(uint256 maxFeeBps, uint256 feeBps);
    /// @notice A fee of the batch is above what the maker of order `index` signed, for the role it has in `fillIndex`.
    error FeeAboveOrder(uint256 index, uint256 fillIndex, uint256 maxFeeBps, uint256 feeBps);
    /// @notice The signature of order `index` is not the maker's, or the maker has not approved the order.
    error BadOrderSignature(uint256 index);
    /// @notice Order `index` could be filled until `expiry`.
    error OrderExpired(uint256 index, uint256 expiry);
    /// @notice The maker has voided order `index` by a higher sequence, `last`, in its lane.
    error SequencePassed(uint256 index, uint256 last, uint256 sequence);
    /// @notice The maker has cancelled order `index` and all of its lane up to `cancelledSequence`.
    error OrderCancelled(uint256 index, uint256 cancelledSequence, uint256 sequence);
    /// @notice Order `index` would be filled with `filled` of its `lots`.
    error Overfilled(uint256 index, uint256 lots, uint256 filled);
    /// @notice No fill uses order `index`.
    error OrderUnused(uint256 index);
    /// @notice Fill `fillIndex` names order `index` of only `count`.
    error OrderIndexInvalid(uint256 fillIndex, uint256 index, uint256 count);
    /// @notice Fill `fillIndex` has no lots.
    error FillEmpty(uint256 fillIndex);
    /// @notice The orders of fill `fillIndex` are on the same side.
    error SameSide(uint256 fillIndex);
    /// @notice The orders of fill `fillIndex` have the same maker.
    error SelfTrade(uint256 fillIndex, address account);
    /// @notice In fill `fillIndex` the maker order's price is worse than the taker order's limit.
    error PriceOutsideLimit(uint256 fillIndex, uint256 makerTicks, uint256 takerTicks);
    /// @notice The account's balance of `token` is out of settlement since `exitAt`.
    error AccountExited(address account, address token, uint256 exitAt);

    /* DEPOSITS */

    /// @notice Pay `amount` of `token` into the caller's balance, by allowance.
    /// @dev Reverts: {ExchangePaused}, {AmountZero}, {DepositMismatch}, {BalanceTooLarge}, or as the token does.
    function deposit(address token, uint256 amount) external;

    /// @notice As {deposit}, into the balance of `account`; the caller pays.
    /// @dev Reverts also with {AccountInvalid}.
    function depositFor(address account, address token, uint256 amount) external;

    /// @notice Pay `amount` of `token` of `owner` into the balance of `owner`, by an ERC-2612 permit for exactly that
    /// amount. Anybody may submit it.
    /// @dev A permit that somebody else has submitted already: the owner goes on with the allowance, others are
    /// refused, as they are where the token takes a permit without counting it. So nobody can move tokens of others
    /// into escrow by an allowance left standing. Reverts as {deposit}, and with {PermitRefused}.
    function depositWithPermit(
        address owner,
        address token,
        uint256 amount,
        uint256 deadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external;

    /// @notice Book all of `token` at the deposit address of `account` to its balance. Anybody may call it.
    /// @dev Deploys the forwarder where there is none. Credits what arrives. Works while paused, as the tokens would be
    /// stuck otherwise. Reverts: {AccountInvalid}, {NothingToSweep}, {BalanceTooLarge}, or as the token does.
    /// @return amount What arrived.
    function sweep(address account, address token) external returns (uint256 amount);

    /// @notice Send ether that is at the deposit address of `account` on to `account`. Anybody may call it.
    /// @dev Only ether sent before the forwarder was there, or forced upon it, can be there. Reverts:
    /// {AccountInvalid}, {NothingToSweep}, {IDepositForwarder-EtherRefused}.
    /// @return amount Wei sent.
    function sweepEther(address account) external returns (uint256 amount);

    /// @notice The deposit address of `account`, whether there is code or not.
    function forwarderOf(address account) external view returns (address);

    /* LEAVING */

    /// @notice Take `amount` of `token` out of the balance of `account` with the matcher's consent, at once.
    /// @dev EIP-712 `Withdrawal(address account,address token,uint256 amount,address to,uint256 nonce,uint256
    /// deadline)`, signed by the account (ERC-1271 for contracts; not needed when the account calls) and by the
    /// matcher. Anybody may submit it. The nonce is higher than every one used before. Works while paused. Reverts:
    /// {WithdrawalExpired}, {AmountZero}, {RecipientInvalid}, {NonceUsed}, {SignatureInvalid}, {BadMatcherSignature},
    /// {InsufficientBalance}, or as the token does.
    function withdraw(
        address account,
        address token,
        uint256 amount,
        address to,
        uint256 nonce,
        uint256 deadline,
        bytes calldata accountSignature,
        bytes calldata matcherSignature
    ) external;

    /// @notice Give notice that the caller takes its whole balance of each token out after `exitDelay`.
    /// @dev A token of which an exit is under way already stays as it is. Deposits that come later leave with it.
    function requestExit(address[] calldata tokens) external;

    /// @notice Take the notice back, due or not; the balance can be used by settlement again.
    /// @dev Reverts: {NoExit}.
    function cancelExit(address[] calldata tokens) external;

    /// @notice Send the caller's whole balance of `token` to `to`. It needs nobody's consent and cannot be paused.
    /// @dev Reverts: {RecipientInvalid}, {NoExit}, {ExitNotDue}, or as the token does.
    function exit(address token, address to) external;

    /// @notice As {exit}, for anybody's exit that is due; pays the account itself.
    function exitFor(address account, address token) external;

    /* ORDERS */

    /// @notice Void the caller's orders of `lane` with a sequence up to `sequence`, from `cancelNotice` from now.
    /// @dev Until then they can be filled, so that trades already matched settle. A lane has one such notice at a time:
    /// it can neither be put off nor brought forward. A fill of a sequence above `sequence` voids them sooner, as it
    /// always does. Reverts: {NothingToCancel}, {CancelPending}.
    function cancel(uint32 lane, uint32 sequence) external;

    /// @notice Vouch for an order of the caller, which is then settled without signature. For contracts.
    /// @dev Once approved, an order stays so until it is revoked; expiry, size and lane bind as ever. Approving it
    /// again takes a revocation back. Reverts: {NotMaker}, {UnknownMarket}.
    /// @return hash The {orderHash}.
    function approveOrder(Order calldata order) external returns (bytes32 hash);

    /// @notice End an approval `cancelNotice` from now.
    /// @dev Reverts: {NotApproved}.
    function revokeApproval(bytes32 hash) external;

    /// @notice What the maker signs: the EIP-712 digest of
    /// `Order(string side,uint256 baseAmount,address baseToken,uint256 quoteLimit,address quoteToken,uint256
    /// maxFeeBps,address maker,uint256 market,uint256 lane,uint256 sequence,uint256 expiry)`, where `side` is "buy" or
    /// "sell", `baseAmount = lots * lotSize` and `quoteLimit = lots * ticks * tickValue`, before fees.
    /// @dev Reverts: {UnknownMarket}.
    function orderHash(Order calldata order) external view returns (bytes32);

    /* SETTLEMENT */

    /// @notice Settle a batch of fills that the matcher signed. Anybody may submit it; it happens in whole or not.
    /// @dev The matcher signs EIP-712 `Batch(uint256 market,uint256 number,bytes32 contentHash)`, where `contentHash =
    /// keccak256(batch)`. The batch, all numbers big endian:
    ///
    /// - 48 bytes: market (2), taker fee (2) and maker fee (2) in 1/10,000, number (8), count of orders (2), head of the
    ///   log (32);
    /// - 116 bytes for each order: maker (20), flags (1), lots (8), ticks (8), lane (4), sequence (4), expiry (5),
    ///   highest fee (2), signature as of ERC-2098 (r 32, vs 32). Flags: 1 for an order that sells, 2 for an order that
    ///   the maker has approved here, whose signature is ignored;
    /// - 12 bytes for each fill: index of the taker order (2) and of the maker order (2), from 0, and lots (8).
    ///
    /// Orders count in their order, so orders of one lane stand by rising sequence; all are used by some fill. An account
    /// can pay with what it gets in the same batch, wherever the order stands.
    ///
    /// Reverts: {ExchangePaused}, {MalformedBatch}, {BadMatcherSignature}, {WrongBatchNumber}, {UnknownMarket},
    /// {FeeAboveMarket}; for orders {OrderExpired}, {BadOrderSignature}, {OrderUnused}, {SequencePassed},
    /// {OrderCancelled}, {Overfilled}; for fills {OrderIndexInvalid}, {FillEmpty}, {SameSide}, {SelfTrade},
    /// {PriceOutsideLimit}, {FeeAboveOrder}; for balances {AccountExited}, {InsufficientBalance}, {BalanceTooLarge}.
    /// @param r First word of the matcher's signature.
    /// @param vs Second word of it, as of ERC-2098.
    /// @param batch What is to be settled.
    function settle(bytes32 r, bytes32 vs, bytes calldata batch) external;

    /* ADMINISTRATION */

    /// @notice List the market (`base`, `quote`). Ids count from 1.
    /// @dev Owner only. Reverts: {NotAToken}, {TokensEqual}, {MarketExists}, {LotSizeInvalid}, {TickValueInvalid},
    /// {FeeInvalid}, {TooManyMarkets}.
    function listMarket(
        address base,
        address quote,
        uint256 lotSize,
        uint256 tickValue,
        uint256 takerFeeBps,
        uint256 makerFeeBps
    ) external returns (uint256 id);

    /// @notice Propose another matcher, to be accepted after `keyDelay`. Replaces an earlier proposal.
    /// @dev Owner only. An account with a key: contracts cannot sign batches. Reverts: {AddressMissing}.
    function proposeMatcher(address newMatcher) external;

    /// @notice Put the proposed matcher into office.
    /// @dev Owner only. Reverts: {NothingProposed}, {ProposalNotReady}.
    function acceptMatcher() external;

    /// @notice Dismiss the matcher at once: nothing settles and only exits leave until another is accepted.
    /// @dev Owner, or the matcher itself. A proposal under way stays.
    function revokeMatcher() external;

    /// @notice Propose another fee recipient, to be accepted after `keyDelay`. Replaces an earlier proposal.
    /// @dev Owner only. Reverts: {AccountInvalid}.
    function proposeFeeRecipient(address newRecipient) external;

    /// @notice Let fees go to the proposed recipient.
    /// @dev Owner only. Reverts: {NothingProposed}, {ProposalNotReady}.
    function acceptFeeRecipient() external;

    /// @notice Stop deposits and settlement. Withdrawals, exits and cancels go on.
    /// @dev Owner only. Reverts: {ExchangePaused}.
    function pause() external;

    /// @notice Let deposits and settlement go on.
    /// @dev Owner only. Reverts: {ExchangeNotPaused}.
    function unpause() external;

    /* VIEWS */

    /// @notice Balance of `account` in escrow and the time from which it can be taken out; 0 if not asked for.
    function balanceOf(address account, address token) external view returns (uint256 amount, uint256 exitAt);

    /// @notice A lane of `account`.
    /// @return sequence The last sequence filled. Lower ones are void.
    /// @return filledLots Lots filled of it.
    /// @return cancelAt When `cancelledSequence` and all below are void; 0 if nothing was cancelled.
    /// @return cancelledSequence Highest sequence cancelled; 0 if nothing was.
    function laneOf(address account, uint32 lane)
        external
        view
        returns (uint256 sequence, uint256 filledLots, uint256 cancelAt, uint256 cancelledSequence);

    /// @notice When the approval of an order ends: 0 if there is none, 2**256 - 1 if it does not end.
    function approvalOf(address account, bytes32 hash) external view returns (uint256 until);

    /// @notice Highest nonce of a withdrawal of `account`.
    function withdrawalNonce(address account) external view returns (uint256);

    /// @notice The market `id`.
    /// @dev Reverts: {UnknownMarket}.
    function market(uint256 id) external view returns (Market memory);

    /// @notice Id of the market (`base`, `quote`); 0 if there is none.
    function marketOf(address base, address quote) external view returns (uint256 id);

    /// @notice Number of markets, which is the highest id.
    function marketCount() external view returns (uint256);

    /// @notice Number of the last batch settled, 0 before the first.
    function lastBatch() external view returns (uint256);

    /// @notice Who signs batches and withdrawals; zero if nobody does.
    function matcher() external view returns (address);

    /// @notice The matcher proposed, and when it can be accepted; zeros if none.
    function proposedMatcher() external view returns (address newMatcher, uint256 readyAt);

    /// @notice Whose balance the fees go to.
    function feeRecipient() external view returns (address);

    /// @notice The fee recipient proposed, and when it can be accepted; zeros if none.
    function proposedFeeRecipient() external view returns (address newRecipient, uint256 readyAt);

    /// @notice Whether deposits and settlement are stopped.
    function paused() external view returns (bool);

    /// @notice Seconds between {requestExit} and {exit}.
    function exitDelay() external view returns (uint256);

    /// @notice Seconds until {cancel} and {revokeApproval} take effect.
    function cancelNotice() external view returns (uint256);

    /// @notice Seconds between the proposal of a key and its acceptance.
    function keyDelay() external view returns (uint256);
}
