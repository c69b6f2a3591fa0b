"""Writes what the platform found out into its stores."""
