"""Tests of the auction: rules, files and command."""
