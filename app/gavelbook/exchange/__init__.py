"""The pure core of the exchange: orders, ledger, book and engine. No I/O, no clock."""
