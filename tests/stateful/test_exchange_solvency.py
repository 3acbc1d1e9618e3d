"""An exchange under any sequence of calls: it holds what it owes, after every call.

Balances, lanes, wallets and keys are kept a second time in Python and compared after each step; a
refusal has to be one that Python expects. GAVELBOOK_EXAMPLES sets how many sequences are tried,
GAVELBOOK_SEED where they begin.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import cache, partial
from random import Random
from typing import TYPE_CHECKING, ClassVar

from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.evm.escrow import NEVER, Escrow, order_of
from tests.evm.exchange import (
    DAY,
    FEES,
    HOUR,
    KEY_DELAY,
    LOT_SIZE,
    MATCHER,
    OWNER,
    TICK_VALUE,
    Floor,
    raw,
)
from tests.evm.exchange_signing import (
    Batch,
    SignedOrder,
    Withdrawal,
    sign_batch,
    sign_permit,
    sign_withdrawal,
)
from tests.evm.machine import account
from tests.evm.signatures import Key
from tests.hostile.random_batches import Signers
from tests.hostile.scene import refused

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("GAVELBOOK_EXAMPLES", "150"))
SEED = int(os.environ.get("GAVELBOOK_SEED", "1"))
STEPS = 50

KEYS = tuple(Key(f"trader {number}") for number in range(4))
KEY_OF = {key.address: key for key in KEYS}
OWNERS = tuple(KEY_OF)
CALLERS = (*OWNERS, account("keeper"), OWNER, MATCHER.address)
SIGNERS = {MATCHER.address: MATCHER, **KEY_OF}
TOKENS = ("base", "quote", "third")

owners = st.sampled_from(OWNERS)
callers = st.sampled_from(CALLERS)
names = st.sampled_from(["base", "base", "quote", "quote", "third"])
amounts = st.sampled_from([0, 1, 7, 10 * LOT_SIZE, 300 * LOT_SIZE, 10**5 * TICK_VALUE, 10**12])
seeds = st.integers(0, 2**32)


@cache
def floor() -> Floor:
    return Floor()


def address_of(name: str) -> str:
    return {"base": floor().base, "quote": floor().quote, "third": floor().third}[name].address


class Solvency(RuleBasedStateMachine):
    """One exchange; rules are what anybody may do, the rest are ghosts."""

    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.undo = floor().machine.trial()
        self.undo.__enter__()
        self.exchange = floor().exchange
        self.escrow = Escrow(self.exchange.domain, floor().markets)
        self.signers = Signers(floor(), self.escrow, KEYS)
        self.wallets: Counter[tuple[str, str]] = Counter()
        self.underway: Counter[tuple[str, str]] = Counter()
        self.donated: Counter[str] = Counter()
        self.permits: Counter[tuple[str, str]] = Counter()
        self.frozen: set[tuple[str, str]] = set()
        self.fee_on_transfer = 0
        self.proposed: dict[str, tuple[str, int]] = {}
        self.settled: list[tuple[bytes, bytes]] = []
        self.tokens = dict(zip(TOKENS, floor().tokens, strict=True))

    def teardown(self) -> None:
        self.undo.__exit__(None, None, None)

    @property
    def now(self) -> int:
        return floor().machine.now

    @now.setter
    def now(self, seconds: int) -> None:
        floor().machine.now = seconds

    @initialize(crowd=seeds)
    def open(self, crowd: int) -> None:
        random = Random(crowd)
        for owner in OWNERS:
            for name in ("base", "quote"):
                self.deposit(owner, owner, name, random.choice((10**8, 10**9, 10**11)))

    # --- Deposits ---

    @rule(sender=owners, owner=owners, name=names, amount=amounts)
    def deposit(self, sender: str, owner: str, name: str, amount: int) -> None:
        token = self._give(sender, name, amount)
        if sender == owner:
            call = partial(self.exchange.deposit, sender, token, amount)
        else:
            call = partial(self.exchange.deposit_for, sender, owner, token, amount)
        if self._expect(call, self._deposit_refusals(sender, name, amount)):
            self._move(sender, owner, name, amount)

    @rule(owner=owners, sender=callers, amount=amounts, name=names, forged=st.booleans())
    def deposit_with_permit(
        self,
        owner: str,
        sender: str,
        amount: int,
        name: str,
        forged: bool,  # noqa: FBT001
    ) -> None:
        token = self._give(owner, name, amount)
        nonce, deadline = self.permits[owner, token], self.now
        signature = sign_permit(
            KEY_OF[owner], token, self.exchange.address, amount, nonce + forged, deadline
        )
        call = partial(
            self.exchange.deposit_with_permit, sender, owner, token, amount, deadline, signature
        )
        expected = self._deposit_refusals(owner, name, amount)
        if forged and sender != owner:
            expected.add("PermitRefused")
        if self._expect(call, expected):
            self.permits[owner, token] += not forged
            self._move(owner, owner, name, amount)

    @rule(owner=owners, name=names, amount=amounts)
    def send_to_the_deposit_address(self, owner: str, name: str, amount: int) -> None:
        token = self.tokens[name]
        token.mint(self.exchange.forwarder_of(owner), amount)
        self.underway[owner, token.address] += amount

    @rule(owner=owners, sender=callers, name=names)
    def sweep(self, owner: str, sender: str, name: str) -> None:
        token = address_of(name)
        arriving = self.underway[owner, token]
        fee = self.fee_on_transfer if name == "third" else 0
        expected = set[str]()
        if arriving <= fee:
            expected |= {"NothingToSweep", "ERC20InsufficientBalance"}
        if (name, self.exchange.address) in self.frozen:
            expected |= {"Frozen"}
        if self._expect(partial(self.exchange.sweep, owner, token, sender), expected):
            self.underway[owner, token] = 0
            self.escrow.add(owner, token, arriving - fee)

    @rule(name=names, amount=amounts)
    def donate(self, name: str, amount: int) -> None:
        token = self.tokens[name]
        if (name, self.exchange.address) in self.frozen:
            return
        token.mint(self.exchange.address, amount)
        self.donated[token.address] += amount

    # --- Leaving ---

    @rule(
        owner=owners,
        name=names,
        part=st.sampled_from([0, 1, 2, 3, 3]),
        late=st.sampled_from([0, 0, 0, 1]),
        step=st.sampled_from([0, 1, 1, 1, 5]),
        to=owners,
        by=st.sampled_from(list(SIGNERS)),
        consent=st.sampled_from([MATCHER.address] * 4 + list(OWNERS[:1])),
        sender=callers,
    )
    def withdraw(
        self,
        owner: str,
        name: str,
        part: int,
        late: int,
        step: int,
        to: str,
        by: str,
        consent: str,
        sender: str,
    ) -> None:
        token = address_of(name)
        held = self.escrow.balance(owner, token).amount
        amount = (held + 1, 0, held, held // 3)[part]
        last = self.escrow.nonces.get(owner, 0)
        wish = Withdrawal(owner, token, amount, to, last + step, self.now - late)
        signatures = [
            sign_withdrawal(SIGNERS[each], self.exchange.domain, wish) for each in (by, consent)
        ]
        checks = {
            "WithdrawalExpired": bool(late),
            "AmountZero": amount == 0,
            "NonceUsed": step == 0,
            "SignatureInvalid": owner not in {by, sender},
            "BadMatcherSignature": consent != self.escrow.matcher,
            "InsufficientBalance": amount > held,
            "Frozen": bool({(name, to), (name, self.exchange.address)} & self.frozen),
        }
        call = partial(self.exchange.withdraw, wish, *signatures, sender)
        if self._expect(call, self._only(checks) | self._fee_refusals(name, amount)):
            self.escrow.nonces[owner] = wish.nonce
            self.escrow.add(owner, token, -amount)
            self._arrive(to, name, amount)

    @rule(owner=owners, chosen=st.lists(names, max_size=3))
    def request_exit(self, owner: str, chosen: list[str]) -> None:
        tokens = [address_of(name) for name in chosen]
        self.exchange.request_exit(owner, tokens)
        for token in tokens:
            self.escrow.request_exit(owner, token, self.now)

    @rule(owner=owners, name=names)
    def cancel_exit(self, owner: str, name: str) -> None:
        token = address_of(name)
        call = partial(self.exchange.cancel_exit, owner, [token])
        expected = self.escrow.cancel_exit(owner, token)
        self._expect(call, {expected} if expected else set())

    @rule(owner=st.sampled_from([*OWNERS, FEES]), name=names, to=owners, sender=callers)
    def exit(self, owner: str, name: str, to: str, sender: str) -> None:
        token = address_of(name)
        alone = sender == owner
        if not alone:
            to = owner
        amount = self.escrow.balance(owner, token).amount
        reason = self.escrow.exit_refusal(owner, token, self.now)
        stuck = {(name, to), (name, self.exchange.address)} & self.frozen
        checks = {reason or "": bool(reason), "Frozen": bool(stuck) and amount > 0}
        call = (
            partial(self.exchange.exit, owner, token, to)
            if alone
            else partial(self.exchange.exit_for, owner, token, sender)
        )
        if self._expect(call, self._only(checks) | self._fee_refusals(name, amount)):
            self.escrow.balances.pop((owner, token))
            if amount:
                self._arrive(to, name, amount)

    @rule(owner=st.sampled_from([*OWNERS, FEES]), name=names, to=owners, sender=callers)
    def wait_and_exit(self, owner: str, name: str, to: str, sender: str) -> None:
        token = address_of(name)
        self.exchange.request_exit(owner, [token])
        self.escrow.request_exit(owner, token, self.now)
        self.now = max(self.now, self.escrow.balance(owner, token).exit_at)
        self.exit(owner, name, to, sender)

    # --- Trading ---

    @rule(number=seeds, batches=st.integers(1, 8))
    def settle(self, number: int, batches: int) -> None:
        random = Random(f"{number} {batches}")
        for _ in range(batches):
            batch = self.signers.batch(random)
            if random.random() < 0.3:
                batch = self.signers.spoilt(random, batch)
            self._settle(batch, random.choice([MATCHER] * 12 + list(KEYS)))

    @rule(number=seeds, batches=st.integers(3, 8))
    def settle_while_money_moves(self, number: int, batches: int) -> None:
        random = Random(f"{number} {batches}")
        for _ in range(batches):
            owner, name = random.choice(OWNERS), random.choice(TOKENS)
            match random.randrange(5):
                case 0:
                    self.deposit(owner, owner, name, random.choice((10**6, 10**10)))
                case 1:
                    self.withdraw(
                        owner, name, 3, 0, 1, owner, owner, MATCHER.address, random.choice(CALLERS)
                    )
                case 2:
                    self.cancel(owner, random.choice((0, 1, 2)), random.choice((0, 1)))
                case 3:
                    self.send_to_the_deposit_address(owner, name, 10**6)
                    self.sweep(owner, owner, name)
                case _:
                    self.now += random.choice((1, 60, HOUR))
            self._settle(self.signers.batch(random), MATCHER)

    @rule(number=seeds)
    def settle_approved(self, number: int) -> None:
        random = Random(number)
        entry = self.signers.sign(random)
        self.approve(entry)
        self.signers.signed[-1] = SignedOrder(entry.order, approved=True)
        self._settle(self.signers.batch(random), MATCHER)

    @rule(sender=callers)
    @precondition(lambda self: self.settled)
    def replay(self, sender: str) -> None:
        call = partial(self.exchange.settle, *self.settled[-1], sender)
        self._expect(call, {"WrongBatchNumber", "ExchangePaused", "BadMatcherSignature"})

    @rule(
        owner=owners, lane=st.sampled_from([0, 0, 1, 2]), beyond=st.sampled_from([-1, 0, 0, 1, 9])
    )
    def cancel(self, owner: str, lane: int, beyond: int) -> None:
        sequence = max(0, self.escrow.void_below(owner, lane, self.now) + beyond)
        expected = self.escrow.cancel(owner, lane, sequence, self.now)
        call = partial(self.exchange.cancel, owner, lane, sequence)
        self._expect(call, {expected} if expected else set())

    @rule(number=seeds)
    @precondition(lambda self: self.escrow.approvals)
    def revoke(self, number: int) -> None:
        owner, digest = Random(number).choice(list(self.escrow.approvals))
        live = self.escrow.approvals[owner, digest] == NEVER
        call = partial(self.exchange.revoke_approval, owner, digest)
        if self._expect(call, set() if live else {"NotApproved"}):
            self.escrow.approvals[owner, digest] = self.now + HOUR

    # --- Administration ---

    @rule(
        on=st.sampled_from([True, False, False]), sender=st.sampled_from([OWNER, OWNER, OWNERS[0]])
    )
    def pause(self, on: bool, sender: str) -> None:  # noqa: FBT001
        checks = {
            "OwnableUnauthorizedAccount": sender != OWNER,
            "ExchangePaused": on and self.escrow.paused,
            "ExchangeNotPaused": not on and not self.escrow.paused,
        }
        name = "pause" if on else "unpause"
        call = partial(self.exchange.administer, name, sender=sender)
        if self._expect(call, self._only(checks)):
            self.escrow.paused = on

    @rule(what=st.sampled_from(["Matcher", "FeeRecipient"]), number=seeds)
    def change_a_key(self, what: str, number: int) -> None:
        random = Random(number)
        who, ready = self.proposed.get(what, ("", 0))
        if not who:
            who = MATCHER.address if what == "Matcher" else random.choice((*OWNERS, FEES))
            self.exchange.administer(f"propose{what}", who)
            self.proposed[what] = (who, self.now + KEY_DELAY)
            return
        self.now += random.choice((0, 0, max(0, ready - self.now)))
        checks = {"ProposalNotReady": self.now < ready}
        call = partial(self.exchange.administer, f"accept{what}")
        if self._expect(call, self._only(checks)):
            del self.proposed[what]
            self._expect(call, {"NothingProposed"})
            if what == "Matcher":
                self.escrow.matcher = who
            else:
                self.escrow.fee_recipient = who

    @rule(by=st.sampled_from([OWNER, MATCHER.address, *OWNERS]))
    @precondition(lambda self: self.escrow.matcher and self.now % 5 == 0)
    def revoke_matcher(self, by: str) -> None:
        call = partial(self.exchange.administer, "revokeMatcher", sender=by)
        if self._expect(call, {"OwnableUnauthorizedAccount"} if by in OWNERS else set()):
            self.escrow.matcher = None

    # --- Time and tokens ---

    @rule(seconds=st.sampled_from([1, 60, HOUR, HOUR, DAY // 2]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(before=st.sampled_from([0, 0, 1]))
    def wait_for_what_comes_next(self, before: int) -> None:
        moments = [
            *(found.exit_at for found in self.escrow.balances.values()),
            *(lane.cancel_at for lane in self.escrow.lanes.values()),
            *(ready for _, ready in self.proposed.values()),
        ]
        later = [moment - before for moment in moments if moment - before > self.now]
        self.now = min(later, default=self.now + HOUR)

    @rule(
        name=names,
        what=st.sampled_from(["account", "exchange", "fee", "nothing", "nothing"]),
        who=owners,
    )
    def upset_a_token(self, name: str, what: str, who: str) -> None:
        """Freeze an account or the exchange, or take a fee; or go back to order."""
        token = self.tokens[name]
        if what == "fee":
            floor().third.set_fee(3)
            self.fee_on_transfer = 3
        elif what == "nothing":
            floor().third.set_fee(0)
            self.fee_on_transfer = 0
            for each, frozen in [key for key in self.frozen if key[0] == name]:
                token.freeze(frozen, on=False)
                self.frozen.discard((each, frozen))
        else:
            frozen = who if what == "account" else self.exchange.address
            token.freeze(frozen)
            self.frozen.add((name, frozen))

    # --- What must hold ---

    @invariant()
    def every_token_is_there(self) -> None:
        for token in floor().tokens:
            owed = self.escrow.total(token.address) + self.donated[token.address]
            assert token.balance(self.exchange.address) == owed

    @invariant()
    def everybody_has_what_is_theirs(self) -> None:
        self.escrow.check(self.exchange)
        for name, token in self.tokens.items():
            for owner in (*OWNERS, FEES):
                assert token.balance(owner) == self.wallets[owner, name]

    # --- Ghosts ---

    def _expect(self, call: Callable[[], object], reasons: set[str]) -> bool:
        """Make a call: it is refused for one of these reasons, or taken if there are none."""
        reason = refused(call)
        assert (reason in reasons) if reasons else (reason is None), f"{reason}, not {reasons}"
        name = getattr(getattr(call, "func", call), "__name__", "")
        Solvency.reached[f"{name} {reason or 'taken'}"] += 1
        return reason is None

    def _settle(self, batch: Batch, key: Key) -> None:
        content, signature = batch.pack(), sign_batch(key, self.exchange.domain, batch)
        obstacles = self.escrow.obstacles(batch, self.now, key.address)
        if self._expect(partial(self.exchange.settle, content, signature), obstacles):
            self.escrow.settle(batch, self.now)
            self.settled.append((content, signature))

    def approve(self, entry: SignedOrder) -> None:
        owner, digest = order_of(self.escrow, entry.order)
        assert self.exchange.approve_order(owner, entry.order) == digest
        assert entry.order.maker == raw(owner)
        self.escrow.approvals[owner, digest] = NEVER

    def _give(self, owner: str, name: str, amount: int) -> str:
        """Mint, unless the account is frozen; return the token's address."""
        token = self.tokens[name]
        if (name, owner) not in self.frozen:
            floor().give(owner, token, amount)
            self.wallets[owner, name] += amount
        return token.address

    def _deposit_refusals(self, payer: str, name: str, amount: int) -> set[str]:
        stuck = bool({(name, payer), (name, self.exchange.address)} & self.frozen)
        checks = {
            "ExchangePaused": self.escrow.paused,
            "AmountZero": amount == 0,
            "Frozen": stuck,
            "ERC20InsufficientBalance": stuck,
            "ERC20InsufficientAllowance": stuck,
            "DepositMismatch": name == "third" and self.fee_on_transfer > 0,
        }
        return self._only(checks) | self._fee_refusals(name, amount)

    def _fee_refusals(self, name: str, amount: int) -> set[str]:
        """A token takes its fee from what arrived, so too little cannot move."""
        small = name == "third" and 0 < amount < self.fee_on_transfer
        return {"ERC20InsufficientBalance"} if small else set()

    def _move(self, payer: str, owner: str, name: str, amount: int) -> None:
        self.wallets[payer, name] -= amount
        self.escrow.add(owner, address_of(name), amount)

    def _arrive(self, owner: str, name: str, amount: int) -> None:
        fee = self.fee_on_transfer if name == "third" else 0
        self.wallets[owner, name] += amount - fee

    def _only(self, checks: dict[str, bool]) -> set[str]:
        return {name for name, found in checks.items() if found}


def test_exchange_holds_what_it_owes() -> None:
    Solvency.reached.clear()
    machine = seed(SEED)(Solvency)
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None),
    )
    for name in ("deposit", "deposit_for", "deposit_with_permit", "sweep", "withdraw", "cancel"):
        assert Solvency.reached[f"{name} taken"], f"{name} was never taken"
    assert Solvency.reached["exit taken"] + Solvency.reached["exit_for taken"]
    assert Solvency.reached["settle taken"] > EXAMPLES
