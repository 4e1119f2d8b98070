"""Extractors: what reads the archives that training results come in."""
