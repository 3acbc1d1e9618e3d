"""`gavelbook allocator` that is killed at its first transaction: before it leaves, or after.

Run as ``python -m tests.service.dying_allocator before|after ARGUMENTS``.
"""

import os
import signal
import sys

from gavelbook.chain.connection import NodeProvider
from gavelbook.cli import main


def die_at_first_transaction(moment):
    """Make this process kill itself at the first transaction that it sends."""
    make_request = NodeProvider.make_request

    def dying(self, method, params):
        sends = method == "eth_sendRawTransaction"
        if sends and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = make_request(self, method, params)
        if sends:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    NodeProvider.make_request = dying


if __name__ == "__main__":
    die_at_first_transaction(sys.argv.pop(1))
    main()
