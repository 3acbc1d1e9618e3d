"""Tests of TokenSale."""
