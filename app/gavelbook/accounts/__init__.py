"""Managed accounts: a process of its own holds their keys and signs what it understands.

`gavelbook signer` runs it. Everything else reaches it through `AccountsClient`, over HTTP on the
loopback; nothing else opens the keystore.
"""
