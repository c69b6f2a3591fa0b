"""Reads what a running stack holds: topics, offsets, alerts, configs and card profiles."""
