"""The way in: transactions over HTTP, and alerts pushed to whoever listens."""
