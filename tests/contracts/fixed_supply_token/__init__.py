"""Tests of FixedSupplyToken."""
