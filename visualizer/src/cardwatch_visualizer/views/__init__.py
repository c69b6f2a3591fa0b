"""Records in words and rows, for pages. Pure."""
