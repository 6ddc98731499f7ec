"""The program ``crisp``: the one package that may import all others."""
