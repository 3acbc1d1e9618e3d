"""What the server of the pages answers besides the pages."""
