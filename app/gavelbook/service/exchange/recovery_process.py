"""The child's side of `RecoveryProcesses`: answers on stdout what is asked on stdin.

Its own program, ``python -m gavelbook.service.exchange.recovery_process``, that ends with its
stdin, so that none is left behind when the exchange is killed.
"""

from __future__ import annotations

import signal
import struct
import sys
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.signing import recover_all

if TYPE_CHECKING:
    from collections.abc import Sequence

_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode
_decode_questions = msgspec.msgpack.Decoder(list[tuple[bytes, bytes]]).decode
_decode_answers = msgspec.msgpack.Decoder().decode


def send_questions(stream: BinaryIO, questions: Sequence[tuple[bytes, bytes]]) -> None:
    """Ask for the signers of digests and signatures.

    Raises:
        OSError: nobody reads them.

    """
    _send(stream, questions)


def receive_answers(stream: BinaryIO) -> list[bytes | ExchangeError]:
    """Wait for the answers to all questions: the signers, errors as values.

    Raises:
        OSError: they do not come.

    """
    return [
        ExchangeError("bad_signature", each) if isinstance(each, str) else each
        for each in _decode_answers(_receive(stream))
    ]


def main() -> None:
    """Answer until nobody asks any more."""
    # Ctrl-C reaches everybody at the terminal; who asks decides when this is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            questions = _decode_questions(_receive(sys.stdin.buffer))
            answers = recover_all(questions)
            _send(
                sys.stdout.buffer,
                [each.message if isinstance(each, ExchangeError) else each for each in answers],
            )
        except OSError:
            return


def _send(stream: BinaryIO, content: object) -> None:
    encoded = _encode(content)
    stream.write(_LENGTH.pack(len(encoded)) + encoded)
    stream.flush()


def _receive(stream: BinaryIO) -> bytes:
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    return _read(stream, length)


def _read(stream: BinaryIO, length: int) -> bytes:
    content = stream.read(length)
    if len(content) < length:
        raise BrokenPipeError("Expected a message, was the end")
    return content


if __name__ == "__main__":
    main()
