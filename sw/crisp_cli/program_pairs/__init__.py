"""Random programs on the compiled accelerator and on golden's simulator: equal ends, equal memory images."""
