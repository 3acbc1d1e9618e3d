"""The chain: contracts, events, transactions, signatures. The only package that imports web3."""
