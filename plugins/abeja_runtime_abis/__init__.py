"""Handler ABIs of the ABEJA Platform, one package for each."""
