"""What runs around the core: the allocator, and what the pages show."""
