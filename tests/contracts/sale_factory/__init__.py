"""Tests of SaleFactory."""
