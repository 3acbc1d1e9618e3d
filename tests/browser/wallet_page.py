"""A small site with the wallet and things to do with it: `streamlit run`, see test_wallet.py."""

import json
import os

import streamlit as st

from gavelbook.chain.connection import connect
from gavelbook.chain.token import Token
from gavelbook.service.acting import Line, SendTransaction, SignMessage, SignTypedData
from ui import wallet_steps
from ui.panels.notices import show_notice

SOMEBODY = "0x00000000000000000000000000000000000000Bb"
WORLD = json.loads(os.environ["WALLET_PAGE_WORLD"])
token = Token(connect(os.environ["GAVELBOOK_RPC_URL"]), WORLD["token"])


def note(amount):
    types = {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "chainId", "type": "uint256"},
        ],
        "Note": [{"name": "amount", "type": "uint256"}],
    }
    domain = {"name": "Notes", "chainId": 31337}
    data = {"types": types, "primaryType": "Note", "domain": domain, "message": {"amount": amount}}
    lines = (Line("Amount", f"{amount:,} [notes](http://evil.example)"),)
    signature = yield SignTypedData("Sign the note", data, lines)
    return f"0x{signature.hex()}"


def sign_in(host):
    text = f"{host} wants you to sign in with your Ethereum account:\n{actor.address}\n"
    signature = yield SignMessage("Sign in", text)
    return f"0x{signature.hex()}"


def pay(amount):
    lines = (Line("You pay", f"{amount:,}"),)
    return (yield SendTransaction("Pay", token.transfer(SOMEBODY, amount), 0, lines))


def agree_and_pay():
    yield SignMessage("Agree first", "I agree")
    return (yield from pay(3))


def start(place, action):
    wallet_steps.begin(place, action, actor, lambda result: f"Done with {result}")
    st.rerun()


def work():
    st.title("Work")
    st.text(f"Actor: {actor.name if actor else 'nobody'}")
    if actor is None:
        return
    st.text(f"Address: {actor.address}")
    st.text(f"Secret: {actor.session[:6]}")
    deeds = {
        "Sign": lambda: note(2**70),
        "Sign in": lambda: sign_in(WORLD["host"]),
        "Sign in elsewhere": lambda: sign_in("evil.example"),
        "Pay": lambda: pay(3),
        "Pay too much": lambda: pay(10**60),
        "Agree and pay": agree_and_pay,
    }
    for name, make in deeds.items():
        if st.button(name):
            start("first", make())
    if st.button("Sign at the side"):
        start("second", note(7))
    st.header("First")
    show_notice("first")
    st.header("Second")
    show_notice("second")


def elsewhere():
    st.title("Elsewhere")


page = st.navigation(
    [st.Page(work, title="Work", default=True), st.Page(elsewhere, title="Elsewhere")]
)
hidden = st.checkbox("Without the wallet")
actor = None if hidden else wallet_steps.connected_wallet()
page.run()
