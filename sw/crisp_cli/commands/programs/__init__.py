"""Commands about programs of the accelerator."""
