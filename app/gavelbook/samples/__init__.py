"""A sale to try the commands on: twelve bids in six price groups, worked out in docs/formats.md."""

from pathlib import Path

BIDS = Path(__file__).with_name("bids.csv")
TERMS = Path(__file__).with_name("terms.yaml")
