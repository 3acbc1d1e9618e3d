"""Files in and out: terms in YAML, bids and allocations in CSV. Formats: docs/formats.md."""

from gavelbook.files.bids_csv import BidFile, read_bids, write_allocation
from gavelbook.files.terms_yaml import parse_terms, read_terms

__all__ = ["BidFile", "parse_terms", "read_bids", "read_terms", "write_allocation"]
