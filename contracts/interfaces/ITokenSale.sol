// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// @notice How lots go to bids when demand exceeds supply. Ties are broken by arrival, which is block order.
/// @dev `PRICE_TIME`: best price first, earliest first inside a price; the last bid filled may be partial.
/// `GROUP_ROUND_ROBIN`: best price group first; inside the group where supply ends, one lot each per round in
/// arrival order. `TOP_THEN_ROUND_ROBIN`: the highest price group in full (in arrival order if it alone exceeds
/// supply), then one lot each per round over all other bids in arrival order, whatever their price.
/// Rounds count bids, not bidders: whoever splits a wish over several bids or wallets takes part several times, up to
/// the cap. A `minBidLots` close to the cap takes the gain out of it.
enum Rule {
    PRICE_TIME,
    GROUP_ROUND_ROBIN,
    TOP_THEN_ROUND_ROBIN
}

/// @notice What a winner pays for each lot: the price of the own bid, or the lowest winning price for everybody
/// (the floor where demand stays under supply). `UNIFORM` is not offered with `TOP_THEN_ROUND_ROBIN`.
enum Pricing {
    PAY_AS_BID,
    UNIFORM
}

/// @notice Where a sale stands. `OPEN` while `start <= now < end`; `CLOSED` from `end` until somebody clears or aborts.
enum Phase {
    FUNDED,
    OPEN,
    CLOSED,
    CLEARED,
    FAILED
}

/// @notice The terms of a sale. They never change.
/// @param saleToken The ERC-20 sold. No fee on transfer, no rebasing.
/// @param paymentToken The ERC-20 bids are paid in. No fee on transfer, no rebasing; not `saleToken`.
/// @param allocator Signs the clearing; an account or an ERC-1271 contract.
/// @param gate Signs admissions; zero for a sale open to everybody.
/// @param proceedsRecipient Receives what winners pay.
/// @param unsoldRecipient Receives the sale tokens nobody bought, all of them if the sale fails.
/// @param rule How lots go to bids.
/// @param pricing What winners pay.
/// @param lotSize Sale token base units in a lot.
/// @param supplyLots Lots for sale, 1 to 2**32 - 1.
/// @param floorPrice Payment token base units per lot at tick 0, at least 1.
/// @param tickValue Payment token base units per lot from one tick to the next, at least 1.
/// @param tickCount Number of ticks, 1 to 4,096.
/// @param minBidLots Smallest bid, in lots, at least 1.
/// @param capBps Cap on the live lots of one bidder (one entity where there is a gate), in 1/10,000 of supply.
/// @param minimumRaise Payment token base units below which the sale fails and everybody is refunded. At most what
/// the whole supply brings at the highest tick.
/// @param start First second (Unix time) in which bids count.
/// @param end First second in which bids no longer count.
/// @param cancelUntil First second in which bids can no longer be cancelled; 0 if never. At most `end`.
/// @param allocatorUntil Until this second only a clearing signed by the allocator counts. `end` for no such
/// window, at most `end` + 7 days.
/// @param abortTime From this second a sale that nobody cleared can be aborted, and can no longer be cleared. At
/// least one day after `allocatorUntil`, at most `end` + 60 days.
/// @param vestingStart Second from which won lots vest linearly; 0 where there is no vesting.
/// @param vestingCliff Nothing can be claimed before this second.
/// @param vestingEnd From this second everything can be claimed. At most `end` + 3,650 days.
struct Terms {
    address saleToken;
    address paymentToken;
    address allocator;
    address gate;
    address proceedsRecipient;
    address unsoldRecipient;
    Rule rule;
    Pricing pricing;
    uint256 lotSize;
    uint256 supplyLots;
    uint256 floorPrice;
    uint256 tickValue;
    uint256 tickCount;
    uint256 minBidLots;
    uint256 capBps;
    uint256 minimumRaise;
    uint256 start;
    uint256 end;
    uint256 cancelUntil;
    uint256 allocatorUntil;
    uint256 abortTime;
    uint256 vestingStart;
    uint256 vestingCliff;
    uint256 vestingEnd;
}

/// @notice One live bid.
/// @param index Number of the bid among the bidder's own, 0 to 23. The index of a cancelled bid is used again.
/// @param tick Price in ticks above the floor.
/// @param lots Lots wanted.
/// @param arrival Position in arrival order, from 1: among the bids of the same tick, or among all bids of the
/// sale under `TOP_THEN_ROUND_ROBIN`. Cancelled bids count, so there are gaps. Only ever
/// compared between bids that can tie.
struct Bid {
    uint256 index;
    uint256 tick;
    uint256 lots;
    uint256 arrival;
}

/// @notice A proposed result of the auction: a hint that the sale re-computes or checks in full.
/// @param marginalTick The tick where supply ends. 0 where demand stays under supply. Under
/// `TOP_THEN_ROUND_ROBIN` with demand over supply: the highest tick bid.
/// @param level Where the margin is filled by arrival: the lots the bid at `cut` gets, less than it asks. Where it
/// is filled by rounds: the number of full rounds, so that each bid gets min(lots, level) or one more.
/// @param cut Arrival of a bid in the margin. By arrival: the first bid not filled in full. By rounds: the first
/// bid asking more than `level` that gets no extra lot.
/// @param digest keccak256 of the published allocation file, or 0 in a clearing without signature.
/// @dev `level` and `cut` are 0 where no bid has to be cut, that is where supply ends between two ticks.
struct Clearing {
    uint256 marginalTick;
    uint256 level;
    uint256 cut;
    bytes32 digest;
}

/// @notice What the sale keeps of its clearing; it decides every bid. Let a bid ask `q` lots at tick `t`.
/// @param phase `CLEARED` or `FAILED`; `FUNDED` (0) while there is no result.
/// @param byRounds Whether the margin is filled by rounds.
/// @param proceedsCollected Whether the proceeds have left.
/// @param unsoldCollected Whether the unsold tokens have left.
/// @param marginalTick As in {Clearing}.
/// @param fullFrom Bids with `t >= fullFrom` are filled in full.
/// @param marginFrom Bids with `marginFrom <= t < fullFrom` are the margin; bids below get nothing.
/// @param level As in {Clearing}.
/// @param cut As in {Clearing}.
/// @param soldLots Lots sold.
struct Result {
    Phase phase;
    bool byRounds;
    bool proceedsCollected;
    bool unsoldCollected;
    uint16 marginalTick;
    uint16 fullFrom;
    uint16 marginFrom;
    uint32 level;
    uint32 cut;
    uint32 soldLots;
}

/// @notice How far a caller has come in showing the margin to the sale.
/// @param open Whether the caller has started with this clearing.
/// @param byRounds As in {Result}.
/// @param cutSeen Whether the bid at `cut` was among the bids shown.
/// @param lastArrival Arrival of the last bid shown.
/// @param fullFrom As in {Result}.
/// @param marginFrom As in {Result}.
/// @param ungivenLots Lots of supply not yet given.
/// @param unshownLots Lots asked by the bids of the margin not yet shown.
struct Progress {
    bool open;
    bool byRounds;
    bool cutSeen;
    uint32 lastArrival;
    uint16 fullFrom;
    uint16 marginFrom;
    uint32 ungivenLots;
    uint56 unshownLots;
}

/// @title A token sale with fixed terms and open bids
/// @notice Bidders escrow `lots * price(tick)` payment tokens. After the window closes anybody posts a result; the
/// sale accepts the one right result and refuses every other, so neither the allocator nor the issuer nor a relayer
/// is trusted with money. Winners claim tokens, everybody claims what is left of the escrow.
/// @dev Money rules. `price(t) = floorPrice + t * tickValue`; a bid of `q` lots at tick `t` escrows `q * price(t)`;
/// a bid filled with `f` lots receives `f * lotSize` sale tokens and pays `f * price(t)` (`f * price(marginalTick)`
/// where pricing is `UNIFORM`). No amount is divided, so nothing is rounded and nothing is left over: after the last
/// claim the sale holds zero of both tokens, apart from what strangers sent to it. (The cap and the part vested so far
/// are whole lots, rounded down.)
///
/// Who can do what. Nobody owns the sale and nothing can be paused or upgraded. A dead or hostile allocator delays
/// the clearing until `allocatorUntil`; then anybody clears without a signature. If nobody clears before
/// `abortTime`, anybody aborts and every bid is refunded. Claims for others pay the bidder, never the caller.
///
/// Tokens. Amounts are checked on arrival, so a token that takes a fee on transfer is refused at the first bid. A
/// token that changes balances by itself is not supported: it can leave the sale short of what it owes. A payment
/// token that freezes a bidder stops that refund and no other, and {claimTo} sends it elsewhere; a token that freezes
/// the sale stops everything. A sale token whose admin takes tokens out of the sale stops the clearing ({EscrowShort})
/// until {abort}.
///
/// Every function that moves money or state is guarded against reentrancy. All times are Unix seconds; a deadline
/// `d` means `now < d` before and `now >= d` after.
interface ITokenSale {
    /* EVENTS */

    /// @notice A bid was placed and `lots * price(tick)` escrowed.
    event BidPlaced(address indexed bidder, uint256 indexed tick, uint256 index, uint256 lots, uint256 arrival);

    /// @notice A bid was cancelled and `lots * price(tick)` paid back.
    event BidCancelled(address indexed bidder, uint256 indexed tick, uint256 index, uint256 lots, uint256 arrival);

    /// @notice The gate admitted `bidder` as a wallet of `entity`.
    event Admitted(address indexed bidder, bytes32 indexed entity);

    /// @notice The result was accepted. `raised` is in payment token base units; `digest` is 0 without signature.
    /// @dev Every allocation follows from this event, the terms and the bids. See {Result}.
    event Cleared(
        address indexed caller,
        bytes32 indexed digest,
        uint256 marginalTick,
        uint256 level,
        uint256 cut,
        uint256 soldLots,
        uint256 raised
    );

    /// @notice The sale failed: `raised` stayed under `minimumRaise`, or the sale was aborted (`aborted`).
    event Failed(address indexed caller, uint256 raised, bool aborted);

    /// @notice `amount` sale tokens of `bidder` went to `to`.
    event TokensClaimed(address indexed bidder, address indexed to, uint256 amount);

    /// @notice `amount` payment tokens of `bidder` went back to `to`.
    event RefundClaimed(address indexed bidder, address indexed to, uint256 amount);

    /// @notice A transfer in a keeper batch failed; the claim stays open. `refund` names the leg.
    event ClaimSkipped(address indexed bidder, bool refund, uint256 amount);

    /// @notice The proceeds went to `to`.
    event ProceedsCollected(address indexed to, uint256 amount);

    /// @notice The unsold tokens went to `to`.
    event UnsoldCollected(address indexed to, uint256 amount);

    /* ERRORS: TERMS */

    /// @notice A required address is zero. `term` is its place in {Terms}, from 0.
    error AddressMissing(uint256 term);
    /// @notice The token sold and the token paid are the same.
    error TokensEqual(address token);
    /// @notice There is no contract at this address.
    error NotAToken(address token);
    /// @notice `supplyLots` is not in 1 to 2**32 - 1.
    error SupplyInvalid(uint256 supplyLots);
    /// @notice `tickCount` is not in 1 to `max`.
    error TickCountInvalid(uint256 tickCount, uint256 max);
    /// @notice `lotSize`, `floorPrice` or `tickValue` is zero.
    error UnitZero(uint256 lotSize, uint256 floorPrice, uint256 tickValue);
    /// @notice `factor * factor2` (+ what belongs to it) does not fit into 256 bits.
    error AmountTooLarge(uint256 factor, uint256 factor2);
    /// @notice The whole supply brings at most `most`.
    error MinimumRaiseUnreachable(uint256 minimumRaise, uint256 most);
    /// @notice `capBps` is not in 1 to 10,000.
    error CapInvalid(uint256 capBps);
    /// @notice The cap leaves no room for the smallest bid, or the smallest bid is zero.
    error CapUnderMinimum(uint256 capLots, uint256 minBidLots);
    /// @notice `UNIFORM` pricing is not offered with `TOP_THEN_ROUND_ROBIN`.
    error PricingNotOffered(Rule rule, Pricing pricing);
    /// @notice The bid window is empty or already over.
    error WindowInvalid(uint256 start, uint256 end);
    /// @notice `cancelUntil` is after `end`.
    error CancelInvalid(uint256 cancelUntil, uint256 end);
    /// @notice `allocatorUntil` is not in `end` to `latest`.
    error AllocatorWindowInvalid(uint256 allocatorUntil, uint256 latest);
    /// @notice `abortTime` is not in `earliest` to `latest`.
    error AbortTimeInvalid(uint256 abortTime, uint256 earliest, uint256 latest);
    /// @notice The three vesting times are not all zero and not in order.
    error VestingInvalid(uint256 vestingStart, uint256 vestingCliff, uint256 vestingEnd);

    /* ERRORS: BIDS */

    /// @notice Bids count from `start`.
    error NotOpen(uint256 start);
    /// @notice Bids counted until `end`.
    error WindowClosed(uint256 end);
    /// @notice Ticks run from 0 to `tickCount` - 1.
    error TickOutOfRange(uint256 tick, uint256 tickCount);
    /// @notice The smallest bid is `minBidLots`.
    error BidTooSmall(uint256 lots, uint256 minBidLots);
    /// @notice With this bid the live lots of the bidder (of the entity) would be `lots`; or this bid alone asks `lots`.
    error OverCap(uint256 lots, uint256 capLots);
    /// @notice A bidder has at most `max` live bids.
    error TooManyBids(address bidder, uint256 max);
    /// @notice No more bids fit: 2**40 - 1 lots or 2**24 - 1 bids over time at a tick, 2**32 - 1 bids in the sale.
    /// @dev Filling a tick by bidding and cancelling takes 2**24 pairs (about 4e11 gas). Where that is cheap, let a sale
    /// of few ticks go without cancelling.
    error TickFull(uint256 tick);
    /// @notice The sale takes admitted bidders only; see {admit}.
    error NotAdmitted(address bidder);
    /// @notice The sale has no gate.
    error NoGate();
    /// @notice The bidder is already admitted for another entity.
    error AlreadyAdmitted(address bidder, bytes32 entity);
    /// @notice An entity has an id other than zero.
    error EntityZero();
    /// @notice The admission expired.
    error AdmissionExpired(uint256 deadline);
    /// @notice The signature is not one of `signer` over this message, chain and sale.
    error SignatureInvalid(address signer);
    /// @notice `received` payment tokens arrived instead of `expected`.
    error PaymentMismatch(uint256 expected, uint256 received);
    /// @notice The sale takes no ether: its payment token is not wrapped ether.
    error EtherNotAccepted();
    /// @notice The permit was refused and the allowance does not cover the bid.
    error PermitRefused(uint256 expected, uint256 allowance);
    /// @notice The bidder has no live bid of this index.
    error NoSuchBid(address bidder, uint256 index);
    /// @notice Bids could be cancelled until `cancelUntil`; 0 if never.
    error CancelClosed(uint256 cancelUntil);

    /* ERRORS: CLEARING */

    /// @notice The sale clears from `end`.
    error NotClosed(uint256 end);
    /// @notice The sale already has a result.
    error AlreadyDecided(Phase phase);
    /// @notice The sale could be cleared until `abortTime`.
    error ClearingExpired(uint256 abortTime);
    /// @notice Until `allocatorUntil` a clearing needs the allocator's signature.
    error AllocatorWindow(uint256 allocatorUntil);
    /// @notice A clearing without signature carries no digest.
    error DigestUnsigned(bytes32 digest);
    /// @notice Supply ends at tick `expected`.
    error WrongMarginalTick(uint256 expected, uint256 given);
    /// @notice No bid has to be cut: level, cut and margin must be empty.
    error MarginNotNeeded(uint256 level, uint256 cut, uint256 bids);
    /// @notice The bid is not live, not in the margin, or not after the bid shown before it.
    error MarginBidInvalid(uint256 key);
    /// @notice The bid at `cut` asks only `lots`: it would not be cut.
    error CutInvalid(uint256 cut, uint256 lots);
    /// @notice Bids of the margin asking for `unshownLots` lots were not shown.
    error MarginIncomplete(uint256 unshownLots);
    /// @notice With this level and cut the bids shown would get `given` lots where only `left` are left.
    error OverAllocated(uint256 given, uint256 left);
    /// @notice With this level and cut `left` lots would go to nobody.
    error UnderAllocated(uint256 left);
    /// @notice No bid of the margin has the arrival `cut`.
    error CutMissing(uint256 cut);
    /// @notice The sale holds `held` of `token` and owes at least `owed`.
    error EscrowShort(address token, uint256 held, uint256 owed);
    /// @notice The sale can be aborted from `abortTime`.
    error AbortTooEarly(uint256 abortTime);

    /* ERRORS: CLAIMS */

    /// @notice There is no result yet.
    error NotDecided();
    /// @notice Nothing is owed to `bidder` now: no bid, nothing won or refunded, all claimed, or nothing vested yet.
    error NothingToClaim(address bidder);
    /// @notice Nothing to collect: already collected, or none.
    error NothingToCollect();
    /// @notice Tokens cannot be sent to the sale itself.
    error RecipientInvalid(address recipient);

    /* BIDDING */

    /// @notice Place a bid of `lots` lots at tick `tick` for the caller.
    /// @dev Pulls `lots * price(tick)` payment tokens by allowance. Where the payment token is wrapped ether, exactly
    /// that much ether may be sent instead. Several live bids at any prices are fine; the cap counts them together.
    /// Reverts: {NotOpen}, {WindowClosed}, {TickOutOfRange}, {BidTooSmall}, {NotAdmitted}, {OverCap}, {TooManyBids},
    /// {TickFull}, {EtherNotAccepted}, {PaymentMismatch}, or as the token does.
    /// @return index Number of the bid among the caller's own.
    function bid(uint256 tick, uint256 lots) external payable returns (uint256 index);

    /// @notice As {bid}, with an ERC-2612 permit of `value` payment tokens in the same transaction.
    /// @dev A permit that somebody else has already submitted does no harm. Reverts also with {PermitRefused}.
    function bidWithPermit(uint256 tick, uint256 lots, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
        returns (uint256 index);

    /// @notice Cancel the caller's bid `index` and get its escrow back.
    /// @dev Reverts: {CancelClosed}, {NoSuchBid}.
    function cancel(uint256 index) external;

    /// @notice Admit `bidder` as a wallet of `entity`, by signature of the gate. Anybody may submit it.
    /// @dev EIP-712 `Admission(address bidder,bytes32 entity,uint256 deadline)`. All wallets of an entity share one
    /// cap. Can be combined with {bid} through `multicall`, without ether. An admission holds for the whole sale; to
    /// submit it again does nothing.
    /// Reverts: {NoGate}, {EntityZero}, {AdmissionExpired}, {AlreadyAdmitted}, {SignatureInvalid}.
    function admit(address bidder, bytes32 entity, uint256 deadline, bytes calldata signature) external;

    /* CLEARING */

    /// @notice Post the result. The sale accepts the right one and reverts with the reason on any other.
    /// @param clearing The proposed result.
    /// @param margin The bids of the margin that this caller has not shown yet by {advance}, all of them, in arrival
    /// order; empty where no bid has to be cut. A bid is named by its key `bidder << 8 | index`.
    /// @param signature The allocator's over EIP-712
    /// `Clearing(uint256 marginalTick,uint256 level,uint256 cut,bytes32 digest)`; may be empty from `allocatorUntil`.
    /// @dev Costs at most 1M gas with 1,024 ticks (3.6M with 4,096) whatever the number of bids, and about 3,000 per
    /// bid of the margin. If `raised < minimumRaise` the sale fails. Why a result is unique: where the bid at `cut` asks
    /// more than `level`, the lots given in the margin grow strictly with (level, cut), so just one pair gives exactly
    /// what is left of supply. An allocator that is an ERC-1271 contract must accept a signature that is not empty.
    /// Reverts: {NotClosed}, {AlreadyDecided}, {ClearingExpired}, {AllocatorWindow}, {DigestUnsigned},
    /// {SignatureInvalid}, {WrongMarginalTick}, {MarginNotNeeded}, {MarginBidInvalid}, {CutInvalid},
    /// {MarginIncomplete}, {OverAllocated}, {UnderAllocated}, {CutMissing}, {EscrowShort}.
    function clear(Clearing calldata clearing, uint256[] calldata margin, bytes calldata signature) external;

    /// @notice Show a part of a margin too long for one transaction. The progress belongs to the caller and to the
    /// clearing (without its digest), so a wrong or abandoned one blocks nobody else. With an empty margin the caller's
    /// progress is forgotten, to start again.
    /// @dev Do not call it through a contract that others can call as well: they would share its progress. Reverts:
    /// {NotClosed}, {AlreadyDecided}, {ClearingExpired}, {WrongMarginalTick}, {MarginNotNeeded}, {MarginBidInvalid},
    /// {CutInvalid}, {OverAllocated}.
    function advance(Clearing calldata clearing, uint256[] calldata margin) external;

    /// @notice Declare a sale failed that nobody cleared in time.
    /// @dev Reverts: {AlreadyDecided}, {AbortTooEarly}.
    function abort() external;

    /* CLAIMS */

    /// @notice Pay `bidder` everything owed now: vested tokens and refund. Anybody may call it.
    /// @dev Reverts: {NotDecided}, {NothingToClaim}, or as a token does; then use one leg.
    function claim(address bidder) external;

    /// @notice As {claim}, tokens only.
    function claimTokens(address bidder) external;

    /// @notice As {claim}, refund only.
    function claimRefund(address bidder) external;

    /// @notice As {claim} for the caller, to other addresses.
    /// @param tokensTo Receives the sale tokens; zero to leave them.
    /// @param refundTo Receives the refund; zero to leave it.
    /// @param unwrap Whether to pay the refund in ether, where the payment token is wrapped ether.
    /// @dev Reverts also with {EtherNotAccepted}, {RecipientInvalid}, or as the recipient does on ether.
    function claimTo(address tokensTo, address refundTo, bool unwrap) external;

    /// @notice As {claim} for many, skipping bidders with nothing to claim and transfers that fail.
    /// @dev Emits {ClaimSkipped} for a transfer that fails. Leave out a bidder whose token hook burns all gas: that
    /// stops the batch. Reverts: {NotDecided}.
    function claimMany(address[] calldata bidders) external;

    /// @notice Send the proceeds to `proceedsRecipient`. Anybody may call it.
    /// @dev Reverts: {NotDecided}, {NothingToCollect}.
    function collectProceeds() external;

    /// @notice Send the unsold tokens (all of them if the sale failed) to `unsoldRecipient`. Anybody may call it.
    /// @dev Reverts: {NotDecided}, {NothingToCollect}.
    function collectUnsold() external;

    /* VIEWS */

    /// @notice The terms.
    function terms() external view returns (Terms memory);

    /// @notice Where the sale stands.
    function phase() external view returns (Phase);

    /// @notice Payment token base units per lot at `tick`.
    /// @dev Reverts: {TickOutOfRange}.
    function price(uint256 tick) external view returns (uint256);

    /// @notice Most live lots of one bidder (entity): `supplyLots * capBps / 10,000`, rounded down.
    function capLots() external view returns (uint256);

    /// @notice The live bids of `bidder`. Empty once everything is claimed.
    function bidsOf(address bidder) external view returns (Bid[] memory);

    /// @notice Live lots at the ticks `from` to `from + count - 1`.
    function lotsAt(uint256 from, uint256 count) external view returns (uint256[] memory lots);

    /// @notice The entity of an admitted bidder, else zero.
    function entityOf(address bidder) external view returns (bytes32);

    /// @notice Live lots of all wallets of `entity`.
    function entityLots(bytes32 entity) external view returns (uint256);

    /// @notice The result, zero before there is one.
    function result() external view returns (Result memory);

    /// @notice Payment token base units all winners together pay; 0 before the clearing and in a failed sale.
    function raised() external view returns (uint256);

    /// @notice What `bidder` has coming.
    /// @return tokensNow Sale tokens that {claim} would pay now.
    /// @return tokensLater Sale tokens won and not yet vested.
    /// @return refund Payment tokens that {claim} would pay back now.
    /// @dev Not available in the middle of a payment. Reverts: {NotDecided}.
    function owed(address bidder) external view returns (uint256 tokensNow, uint256 tokensLater, uint256 refund);

    /// @notice How far `caller` has come with `clearing` by {advance}.
    function progressOf(address caller, Clearing calldata clearing) external view returns (Progress memory);

    /// @notice Wrapped ether of this chain; zero where there is none.
    function wrappedEther() external view returns (address);
}
