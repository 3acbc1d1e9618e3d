"""Gavelbook: token sales by auction, allocated in Python and checked on chain."""

__version__ = "0.1.0"
