"""Plots, as pure functions of plain values."""
