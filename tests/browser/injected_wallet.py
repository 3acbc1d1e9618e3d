"""Wallets of a browser whose keys the test holds, over the local chain."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import requests
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils.crypto import keccak

_SCRIPT = Path(__file__).with_suffix(".js")
_GWEI = 10**9


class RefusalError(Exception):
    """What a wallet answers instead of a result."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class NeverAnsweredError(Exception):
    """No answer comes."""


def refusal():
    return RefusalError(4001, "User rejected the request.")


@dataclass
class InjectedWallet:
    """One wallet: its accounts, the first of them chosen, and switches for what comes next.

    ``refuse_next`` and ``silent`` concern signatures and transactions. With ``hold`` a transaction
    gets its hash, but is not passed on before `release`.
    """

    rpc_url: str
    accounts: list
    name: str = "Fox"
    rdns: str = "example.fox"
    legacy: bool = False
    icon: str | None = None
    chain_id: int = 31337
    known_chains: set = field(default_factory=lambda: {31337, 1})
    refuse_next: bool = False
    silent: bool = False
    hold: bool = False
    sign_as: object = None
    connected: bool = False
    calls: list = field(default_factory=list)
    signed: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    held: list = field(default_factory=list)
    added: list = field(default_factory=list)
    unanswered: dict | None = None

    @property
    def address(self):
        return self.accounts[0].address

    def node(self, method, *params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = requests.post(self.rpc_url, json=request, timeout=30).json()
        if "error" in answer:
            raise RefusalError(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    def asked(self, method):
        """How often the wallet was asked for ``method``."""
        return self.calls.count(method)

    # What a page asks

    def answer(self, method, params):
        self.calls.append(method)
        events = []
        try:
            result = self._answer(method, params, events)
        except RefusalError as error:
            return {"error": {"code": error.code, "message": str(error)}, "events": events}
        except NeverAnsweredError:
            return {"never": True}
        return {"result": result, "events": events}

    def _answer(self, method, params, events):
        answers = {
            "eth_accounts": lambda: self._addresses() if self.connected else [],
            "eth_requestAccounts": self._connect,
            "wallet_requestPermissions": lambda: self._next_account(events),
            "eth_chainId": lambda: hex(self.chain_id),
            "wallet_switchEthereumChain": lambda: self._switch(params[0], events),
            "wallet_addEthereumChain": lambda: self._add_chain(params[0]),
            "personal_sign": lambda: self._sign_text(*params),
            "eth_signTypedData_v4": lambda: self._sign_typed_data(*params),
            "eth_sendTransaction": lambda: self._send(params[0]),
        }
        if method not in answers:
            raise RefusalError(4200, f"{method} is unknown")
        return answers[method]()

    def _addresses(self):
        return [each.address for each in self.accounts]

    def _connect(self):
        self._consent()
        self.connected = True
        return self._addresses()

    def _next_account(self, events):
        self._consent()
        self.accounts.append(self.accounts.pop(0))
        events.append(("accountsChanged", self._addresses()))
        return [{"parentCapability": "eth_accounts"}]

    def _add_chain(self, chain):
        self._consent()
        self.added.append(chain)
        self.known_chains.add(int(chain["chainId"], 16))

    def _sign_text(self, data, address):
        text = bytes.fromhex(data[2:]).decode()
        return self._sign(encode_defunct(text=text), text, address)

    def _sign_typed_data(self, address, text):
        data = json.loads(text)
        assert int(data["domain"]["chainId"]) == self.chain_id
        return self._sign(encode_typed_data(full_message=data), data, address)

    def _switch(self, chain, events):
        chain_id = int(chain["chainId"], 16)
        if chain_id not in self.known_chains:
            raise RefusalError(4902, "Unrecognized chain ID. Try adding it first.")
        self._consent()
        self.chain_id = chain_id
        events.append(("chainChanged", hex(chain_id)))

    def _consent(self):
        if self.silent:
            raise NeverAnsweredError
        if self.refuse_next:
            self.refuse_next = False
            raise refusal()

    def _sign(self, message, shown, address):
        self._consent()
        account = self.sign_as or self._account(address)
        self.signed.append(shown)
        return f"0x{account.sign_message(message).signature.hex()}"

    def _account(self, address):
        return next(each for each in self.accounts if each.address.lower() == address.lower())

    # Transactions

    def _send(self, fields):
        assert int(fields["chainId"], 16) == self.chain_id
        self.unanswered = fields
        self._consent()
        raw, transaction_hash = self._signed(fields)
        self.sent.append(transaction_hash)
        if self.hold:
            self.held.append((fields, raw))
        else:
            self.node("eth_sendRawTransaction", raw)
        return transaction_hash

    def _signed(self, fields, *, fee=20, nonce=None):
        account = self._account(fields["from"])
        if nonce is None:
            nonce = int(self.node("eth_getTransactionCount", account.address, "pending"), 16)
        base = int(self.node("eth_gasPrice"), 16)
        signed = account.sign_transaction(
            {
                "to": fields["to"],
                "data": fields.get("data", "0x"),
                "value": int(fields.get("value", "0x0"), 16),
                "gas": int(fields["gas"], 16),
                "nonce": nonce,
                "chainId": self.chain_id,
                "maxFeePerGas": 2 * base + fee * _GWEI,
                "maxPriorityFeePerGas": fee * _GWEI // 10,
            }
        )
        return signed.raw_transaction.to_0x_hex(), signed.hash.to_0x_hex()

    def release(self):
        """Pass the held transaction on; return its hash."""
        _, raw = self.held.pop()
        return self.node("eth_sendRawTransaction", raw)

    def speed_up(self):
        """Send the held transaction at a higher fee in its place; return the new hash."""
        fields, _ = self.held.pop()
        raw, transaction_hash = self._signed(fields, fee=40)
        self.node("eth_sendRawTransaction", raw)
        return transaction_hash

    def cancel_pending(self):
        """Send nothing to itself in place of the last transaction, which waits for its block."""
        sent = self.node("eth_getTransactionByHash", self.sent[-1])
        own = {"from": self.address, "to": self.address, "gas": hex(21_000)}
        raw, transaction_hash = self._signed(own, fee=40, nonce=int(sent["nonce"], 16))
        self.node("eth_sendRawTransaction", raw)
        return transaction_hash

    # What its owner does in the wallet

    def confirm(self, page):
        """Confirm the transaction of which nothing was heard; return its hash."""
        self.silent = False
        sent = self._send(self.unanswered)
        page.evaluate("([name, value]) => window.testWallets[name].late(value)", [self.name, sent])
        return sent

    def choose(self, page, number):
        """Choose another account in the wallet itself."""
        self.accounts.insert(0, self.accounts.pop(number))
        self._emit(page, "accountsChanged", self._addresses())

    def go_to(self, page, chain_id):
        """Choose another network in the wallet itself."""
        self.chain_id = chain_id
        self._emit(page, "chainChanged", hex(chain_id))

    def revoke(self, page):
        """Take the page's permission away in the wallet itself."""
        self.connected = False
        self._emit(page, "accountsChanged", [])

    def _emit(self, page, event, value):
        page.evaluate(
            "([name, event, value]) => window.testWallets[name].emit(event, value)",
            [self.name, event, value],
        )


def inject(page, *wallets):
    """Put ``wallets`` into whatever ``page`` opens next."""
    by_name = {wallet.name: wallet for wallet in wallets}
    page.expose_function(
        "askTestWallet", lambda name, method, params: by_name[name].answer(method, params or [])
    )
    specs = [
        {"name": each.name, "rdns": each.rdns, "legacy": each.legacy, "icon": each.icon}
        for each in wallets
    ]
    page.add_init_script(
        _SCRIPT.read_text(encoding="utf-8").replace("__SPECS__", json.dumps(specs))
    )


def fresh_accounts(word, count=2):
    """Accounts that only this test knows."""
    return [Account.from_key(keccak(text=f"{word} {number}")) for number in range(count)]
