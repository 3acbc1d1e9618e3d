"""Checks taken out of the contracts one by one: a test must fail for each."""
