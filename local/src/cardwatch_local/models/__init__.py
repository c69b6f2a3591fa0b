"""Trained models on their way into the running job: published, put in force, taken out again."""
