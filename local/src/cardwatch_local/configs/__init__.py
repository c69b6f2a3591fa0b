"""DetectorConfigs of the command line: read from files, compared, put in force."""
