"""What runs in the contenders' own processes."""
