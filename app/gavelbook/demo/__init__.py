"""A sale played through on a chain of its own: `python -m gavelbook.demo`, or `make demo`."""
