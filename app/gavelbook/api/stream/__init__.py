"""The WebSocket `/v1/stream`: channels, what feeds them, and connections."""
