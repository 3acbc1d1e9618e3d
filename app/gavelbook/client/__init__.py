"""What a bot imports: typed clients of the exchange API, sync and async.

Keys stay here: orders are signed on this side and only signatures are sent. A call that gets no
answer is repeated with the same signed bytes, so that nothing is ever placed twice.
"""

from gavelbook.client.async_client import AsyncClient
from gavelbook.client.errors import AnswerError, ApiError, ClientError, NetworkError, StreamError
from gavelbook.client.lanes import Lanes, Place
from gavelbook.client.local_book import GapError, LocalBook
from gavelbook.client.steps import Patience
from gavelbook.client.streaming import Update
from gavelbook.client.sync_client import Client

__all__ = [
    "AnswerError",
    "ApiError",
    "AsyncClient",
    "Client",
    "ClientError",
    "GapError",
    "Lanes",
    "LocalBook",
    "NetworkError",
    "Patience",
    "Place",
    "StreamError",
    "Update",
]
