"""The HTTP and WebSocket API of the exchange."""
