"""Installers: what reads in a model's folder which packages it needs, one package for each kind of file."""
