"""Taking the key of a managed account along, and closing the account."""

from __future__ import annotations

import streamlit as st

from gavelbook.accounts.client import EXPORT_MEANING
from gavelbook.wallet.passphrases import SHORTEST
from ui.desk import accounts
from ui.identity import sign_out
from ui.panels.account_requests import ENTRY, FormError, ask, same, session
from ui.panels.notices import show_notice
from ui.wording import count

_EXPORT = "account.export"
_FILE = "account.export.file"
_CLOSE = "account.close"


def export(name: str) -> None:
    """Hand the key out, once, as an encrypted file."""
    show_notice(_EXPORT)
    keystore: str | None = st.session_state.get(_FILE)
    if keystore is not None:
        _hand_over(keystore, name)
        return
    st.markdown(
        "Your key as an encrypted file that wallets such as MetaMask import as *JSON file*. The "
        "account here goes on as it is."
    )
    st.warning(EXPORT_MEANING)
    with st.form("account.export", clear_on_submit=True):
        understood = st.checkbox("I have read this and understand it")
        password = st.text_input("Your password", type="password", autocomplete="current-password")
        passphrase = st.text_input(
            "A passphrase for the file",
            type="password",
            autocomplete="new-password",
            help=f"At least {SHORTEST} characters, and not your password.",
        )
        again = st.text_input("The passphrase again", type="password", autocomplete="new-password")
        if not st.form_submit_button("Export the key", type="primary"):
            return
    token = session()

    def fetch() -> None:
        chosen = same(passphrase, again, "passphrase")
        exported = accounts().export_key(token, password, chosen, understood=understood)
        st.session_state[_FILE] = exported.text()

    ask(_EXPORT, fetch, waiting="Encrypting")
    st.rerun()


def forget_export() -> None:
    """Drop an exported file that this session still holds."""
    st.session_state.pop(_FILE, None)


def close(name: str) -> None:
    """Close the account for good."""
    st.markdown(
        "A closed account stays closed: nobody can sign in, the name stays taken, and the site "
        "signs nothing with its key any more. So it has to be empty first:"
        "\n- no tokens in escrow and no open orders: withdraw them on the page *Portfolio*;"
        "\n- nothing bid and nothing to claim in sales: cancel or claim on the page *Portfolio*;"
        "\n- no tokens in the wallet, unless you say below where they go."
    )
    show_notice(_CLOSE)
    with st.form("account.close", clear_on_submit=True):
        to = st.text_input(
            "Send what is in the wallet to (optional)",
            placeholder="0x…",
            help="An address that is yours elsewhere. What was sent cannot be called back. If "
            "you exported your key you can leave this empty only when nothing is left.",
        )
        typed = st.text_input(f"Type the name of the account, {name}, to be sure")
        password = st.text_input("Your password", type="password", autocomplete="current-password")
        if not st.form_submit_button("Close the account for good"):
            return
    token = session()

    def end() -> list[str]:
        if typed.strip().lower() != name:
            raise FormError("name_differs", f"Expected the name {name}, was another")
        sent = accounts().close_account(token, password, sweep_to=to.strip() or None)
        sign_out()
        return sent

    sent = ask(
        _CLOSE, end, "The account is closed.", at=ENTRY, waiting="Closing, which can take a while"
    )
    if sent:
        st.toast(f"{count(len(sent), 'transfer')} sent from the wallet.")
    st.rerun()


def _hand_over(keystore: str, name: str) -> None:
    st.success("Here it is, this once. Save it now.")
    st.download_button(
        "Save the encrypted key",
        data=keystore,
        file_name=f"gavelbook-{name}-key.json",
        mime="application/json",
        type="primary",
        on_click="ignore",
        key="account.export.save",
    )
    st.caption(
        "Try it before you rely on it: import it into a wallet and compare the address. The "
        "passphrase is not in the file, and nobody here knows it."
    )
    st.button("I have saved it", key="account.export.done", on_click=forget_export)
