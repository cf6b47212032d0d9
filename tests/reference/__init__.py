"""A second opinion on features: definitions applied to the raw event list at one time, without running state."""
