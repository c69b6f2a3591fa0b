"""Benchmarks as commands: `python -m benchmarks --help`, or `make bench`."""
