"""In the place of pandas; see the package's docstring."""

raise ModuleNotFoundError("Cardwatch's workers do without pandas", name="pandas")
