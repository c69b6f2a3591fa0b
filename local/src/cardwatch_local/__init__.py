"""The embedded stack and the `cardwatch` command line."""
