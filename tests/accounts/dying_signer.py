"""`gavelbook signer` that is killed at a transaction it sends: before it leaves, or after.

Run as ``python -m tests.accounts.dying_signer before|after NUMBER``; 0 for never.
"""

import os
import signal
import sys

from gavelbook.chain.connection import NodeProvider
from gavelbook.cli import main


def die_at_transaction(moment, number):
    """Make this process kill itself at the transaction of this number, counted from 1."""
    make_request = NodeProvider.make_request
    sent = [0]

    def dying(self, method, params):
        sends = method == "eth_sendRawTransaction"
        sent[0] += sends
        if sends and sent[0] == number and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = make_request(self, method, params)
        if sends and sent[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    NodeProvider.make_request = dying


if __name__ == "__main__":
    moment, number = sys.argv[1:]
    die_at_transaction(moment, int(number))
    sys.argv[1:] = ["signer"]
    main()
