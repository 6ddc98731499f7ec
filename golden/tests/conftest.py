"""Hypothesis settings of the golden tests: no deadline, since a busy machine is not a failure."""

from hypothesis import settings

settings.register_profile("golden", deadline=None, print_blob=True)
settings.load_profile("golden")
