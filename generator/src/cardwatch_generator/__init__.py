"""Simulated and replayed card transactions."""
