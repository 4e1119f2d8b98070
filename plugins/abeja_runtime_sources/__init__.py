"""Sources: where training results come from."""
