"""One module per command of `gavelbook`, loaded when the command runs."""
