"""The visualizer: what analysts and operators look at, in a browser."""
