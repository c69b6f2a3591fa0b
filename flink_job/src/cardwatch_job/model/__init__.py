"""Learned scoring: features, trees, artefacts, reasons. Pure: no Flink, no Kafka, no clock.

Nothing here trains; `cardwatch_local.training` does, with these features.
"""
