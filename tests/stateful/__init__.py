"""A sale under random calls, with its money counted a second time."""
