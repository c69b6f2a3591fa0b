"""In the place of pymongo; see the package's docstring."""

raise ModuleNotFoundError("Cardwatch's workers do without pymongo", name="pymongo")
