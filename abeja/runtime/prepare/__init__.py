"""What happens before a handler is loaded: its interpreter is found, its packages are installed."""
