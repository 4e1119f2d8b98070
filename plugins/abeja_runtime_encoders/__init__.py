"""Content encoders: what turns the Python objects of an answer into bytes."""
