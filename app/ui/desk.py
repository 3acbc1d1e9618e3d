"""The desk that all sessions share, and what a page says when the chain does not answer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.accounts.client import AccountsClient
from gavelbook.accounts.errors import AccountsError
from gavelbook.errors import GavelbookError
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.managed_signer import ManagedSigner
from gavelbook.service.sale_desk import SaleDesk
from gavelbook.service.signers import Signers
from ui.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator


@st.cache_resource(show_spinner="Connecting to the chain", max_entries=4)
def _connected(settings: str) -> SaleDesk:
    return SaleDesk(DeskSettings.model_validate_json(settings))


@st.cache_resource(show_spinner=False, max_entries=4)
def _accounts(url: str, key_file: str) -> AccountsClient:
    return AccountsClient.with_key_file(url, key_file)


def open_desk() -> SaleDesk:
    """Return the shared desk for the settings of this process."""
    return _connected(DeskSettings().model_dump_json())


def accounts_open() -> bool:
    """Return whether there is a signer of managed accounts."""
    return bool(DeskSettings().signer_url)


def accounts() -> AccountsClient:
    """Return the client of the signer that all sessions share.

    Raises:
        AccountsError: ``accounts_closed``, where there is no signer.
        FileError: its key cannot be read.

    """
    settings = DeskSettings()
    if not settings.signer_url:
        message = "Expected a signer of managed accounts, was none on this site"
        raise AccountsError("accounts_closed", message)
    return _accounts(settings.signer_url, settings.signer_key_file)


def signers() -> Signers:
    """Return who signs for accounts of the demo and managed ones."""
    managed = ManagedSigner(accounts()) if accounts_open() else None
    return Signers(open_desk().demo_signer, managed)


@contextmanager
def plain_failures(key: str) -> Iterator[None]:
    """Show what goes wrong inside as a sentence with a way to try again, and stop there."""
    try:
        yield
    except GavelbookError as error:
        st.error(f"The sale cannot be read right now. {sentence(error)}")
        st.caption(f"Code `{error.code}`. Nothing was changed; bids and money are on the chain.")
        if st.button("Try again", key=f"{key}.retry"):
            _connected.clear()
            st.rerun()
        st.stop()
