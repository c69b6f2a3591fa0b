"""The facts every Cardwatch component shares: records, topics and names.

Nothing in here knows Flink, Kafka clients, Kubernetes or Dash.
"""
