"""Example bots on the client: read them, copy them, and do not trade real money with them."""
