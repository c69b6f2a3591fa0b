"""DetectorConfigs on the embedded stack: read from files, published, acknowledged."""
