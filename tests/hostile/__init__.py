"""Thieves, keys lost and stolen, and spoilers."""
