"""The contracts on an EVM in this process, fast enough for thousands of sales a minute."""
