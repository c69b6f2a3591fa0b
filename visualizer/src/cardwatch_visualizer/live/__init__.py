"""What happens now: read from Kafka, added up, kept in Valkey, pushed to browsers."""
