"""From problems to samples: engines, strategies, and the cache of samples."""
