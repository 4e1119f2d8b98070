"""Several processes that speak HTTP, in front of the one that has the workers."""
