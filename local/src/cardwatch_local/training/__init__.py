"""Learning from what was paid: models are trained here, outside the job, and measured."""
