"""A chain, an exchange and its service, opened for a module of tests."""

import time
from contextlib import contextmanager

from gavelbook.demo.local_chain import LocalChain, free_port
from gavelbook.wallet import DEVELOPMENT_MNEMONIC
from tests.ui.market_world import open_world


@contextmanager
def opened_world(folder, **serving):
    """Give the world of the market page's tests, served, with its chain at hand."""
    genesis = int(time.time()) - 60
    with LocalChain(DEVELOPMENT_MNEMONIC, folder, genesis_time=genesis, port=free_port()) as chain:
        world = open_world(chain)
        world.chain = chain
        with world.serving(folder / "service", **serving):
            yield world
