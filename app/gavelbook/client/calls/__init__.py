"""Every call of the client, once: what to ask, what to sign and what to remember."""

from gavelbook.client.calls.own import Calls

__all__ = ["Calls"]
