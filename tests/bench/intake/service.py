"""The service under load, in a process of its own: ``python -m tests.bench.intake.service FOLDER``.

Log and views are durable files in FOLDER. Prints its port, and serves until it is ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gavelbook.api.process import run
from gavelbook.api.serving import serve
from gavelbook.api.settings import ApiSettings, Rates
from gavelbook.exchange.commands import Deposit, ListMarket
from gavelbook.exchange.engine import EngineTerms
from gavelbook.exchange.signing import Domain
from gavelbook.rates import Rate
from gavelbook.service.exchange.embedded import EmbeddedExchange
from gavelbook.service.exchange.recovery_processes import USUAL_COUNT
from tests.bench.intake.orders import CHAIN_ID, CONTRACT, MARKET, MATCHER_KEY, signer_addresses

# One address stands for all clients.
_UNLIMITED = Rates(*[Rate(1e9, 10**9)] * 7)
_FUNDS = 10**40
DOMAIN = Domain(CHAIN_ID, CONTRACT)
TERMS = EngineTerms(b"\xfe" * 20)


def main() -> None:
    """Fund the signers and serve."""
    with EmbeddedExchange(
        Path(sys.argv[1]), DOMAIN, TERMS, MATCHER_KEY, recovery_processes=USUAL_COUNT
    ) as exchange:
        exchange.start()
        submit = exchange.sequencer.submit
        waiting = [submit(ListMarket(MARKET))]
        for account in signer_addresses():
            tokens = (MARKET.base_token, MARKET.quote_token)
            waiting += [submit(Deposit(account, token, _FUNDS)) for token in tokens]
        for each in waiting:
            each.result(60)
        settings = ApiSettings(rates=_UNLIMITED)
        run(
            serve(
                exchange,
                settings,
                host="127.0.0.1",
                port=0,
                ready=lambda port: print(port, flush=True),
            )
        )


if __name__ == "__main__":
    main()
