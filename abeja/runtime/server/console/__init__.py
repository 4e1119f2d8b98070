"""The console: a page on the management port that shows what is served, and tries it."""
