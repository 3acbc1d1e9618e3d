"""How far an action of a browser's wallet is: what is asked, in the way, or pending."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from gavelbook.service.acting import SendTransaction, SignMessage, SignTypedData
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.wallet_action import Stage
from gavelbook.service.wallet_requests import json_form
from ui.wording import plain, short

if TYPE_CHECKING:
    from gavelbook.service.acting import Step
    from gavelbook.service.wallet_action import WalletAction

_TROUBLES = {
    "refused": "You refused in {wallet}. Nothing was signed or sent in this step.",
    "asked_already": "{wallet} already shows a request. Answer it there, then ask again.",
    "account_switched": (
        "{wallet} now uses another account. Choose {account} there, then ask again."
    ),
    "wrong_chain": (
        "{wallet} is on another network. Switch it at the top of the page, then ask again."
    ),
    "not_connected": "No wallet is connected. Connect {account}, then ask again.",
    "wrong_page": (
        "{said} Signing it here would not be safe. Open this site at that address instead."
    ),
    "signature_of_another": (
        "The signature is not one of {account}. Choose that account in {wallet}, then ask again."
    ),
}
_SILENT = "The chain does not answer. Nothing was sent. Ask again in a moment."
_DROPPED = (
    "The chain does not know this transaction any more: it was dropped, or {wallet} has not passed "
    "it on. If {wallet} still shows it, wait or speed it up there; else forget it and begin anew."
)


def status_text(action: WalletAction[Any]) -> str:
    """Return in one line how far ``action`` is."""
    wallet, title = plain(action.actor.name), plain(action.step.title)
    if action.withdrawn:
        return f"Forgotten: {title}. If {wallet} still shows the request, refuse it there."
    words = {
        Stage.ASKING: f"Waiting for you in {wallet}",
        Stage.PENDING: "Waiting for the block",
        Stage.STOPPED: "Stopped",
    }
    return f"{words[action.stage]}: {title} (step {action.number})"


def ended_text(action: WalletAction[Any]) -> str:
    """Return in one line what became of ``action``, for pages that do not show it."""
    title = plain(action.step.title)
    return f"Done: {title}" if action.succeeded else f"Did not work: {title}"


def draw_progress(action: WalletAction[Any], *, key: str) -> None:
    """Show ``action``, which has not ended, with the ways to go on."""
    step = action.step
    with st.container(border=True):
        st.markdown(f"**Step {action.number}: {plain(step.title)}**")
        if step.lines:
            st.markdown(
                "\n".join(f"- {plain(line.label)}: **{plain(line.text)}**" for line in step.lines)
            )
        _draw_stage(action)
        with st.expander(_EXACT[type(step)]):
            _draw_exact(action, step)
        with st.container(horizontal=True):
            _draw_ways_on(action, key)


def _draw_ways_on(action: WalletAction[Any], key: str) -> None:
    # The wallet stands above the page, so the whole page runs again, also out of a fragment.
    if action.stage is Stage.STOPPED and st.button("Ask again", key=f"{key}.again", type="primary"):
        action.again()
        st.rerun()
    may_forget = action.stage is not Stage.PENDING or action.dropped
    if may_forget and st.button("Forget it", key=f"{key}.forget"):
        action.forget()
        st.rerun()


def _draw_stage(action: WalletAction[Any]) -> None:
    match action.stage:
        case Stage.ASKING:
            wallet = plain(action.actor.name)
            st.info(f"Waiting for you in {wallet}: read the request there and confirm.")
        case Stage.STOPPED:
            st.warning(_trouble_text(action))
        case Stage.PENDING:
            _draw_pending(action)


def _draw_pending(action: WalletAction[Any]) -> None:
    transaction = action.transaction
    if transaction is None:
        return
    if action.dropped:
        st.warning(_DROPPED.format(wallet=plain(action.actor.name)))
    elif action.trouble:
        st.warning("The chain does not answer. The transaction was sent; this page looks again.")
    else:
        st.info("Sent. Waiting for the block; you may leave this page meanwhile.")
    if transaction.earlier:
        st.caption(f"Sped up in {plain(action.actor.name)}: this one took the place of the first.")
    st.caption("Transaction")
    st.code(transaction.hash, language=None)
    explorer = DeskSettings().explorer_url.rstrip("/")
    if explorer:
        st.markdown(f"[Show it in the explorer]({explorer}/tx/{transaction.hash})")


def _trouble_text(action: WalletAction[Any]) -> str:
    if action.trouble is None:
        return ""
    code, said = action.trouble.code, plain(action.trouble.message)
    if code.startswith("rpc_"):
        return _SILENT
    wallet, account = plain(action.actor.name), short(action.actor.address)
    template = _TROUBLES.get(code)
    if template is None:
        return f"{wallet} could not do it: {said or plain(code)}"
    return template.format(wallet=wallet, account=account, said=said)


_EXACT = {
    SignTypedData: "Exactly what you sign",
    SignMessage: "Exactly what you sign",
    SendTransaction: "Exactly what you send",
}


def _draw_exact(action: WalletAction[Any], step: Step) -> None:
    match step:
        case SignTypedData():
            st.code(json.dumps(json_form(step.typed_data), indent=2), language="json")
        case SignMessage():
            st.code(step.text, language=None)
        case SendTransaction():
            asked = action.request.params[0] if action.request else {}
            named = {"function": step.call.abi_element_identifier, **asked}
            st.code(json.dumps(named, indent=2), language="json")
