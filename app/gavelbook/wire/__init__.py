"""What goes over the wire: the one definition of every request, answer and message of the API.

The server decodes and encodes these types, the client too, and the OpenAPI document is made of
them. Numbers are decimal strings on the wire and `int` here, hashes and addresses are `0x` text
on the wire and `bytes` here.
"""
