"""Transactions into Kafka or a file: simulated, replayed, and the past of the cards."""
