"""Puts DetectorConfigs in force: plans, publishes, collects the subtasks' word, tells the user."""
