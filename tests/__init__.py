"""Tests, by part of the project; run with `make test`."""
