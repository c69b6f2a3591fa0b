"""The PyFlink job: transactions in, alerts with their reasons out."""
