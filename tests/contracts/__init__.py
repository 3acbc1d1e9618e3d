"""Tests of the contracts, on py-evm: a folder for each contract, a file for each function."""
