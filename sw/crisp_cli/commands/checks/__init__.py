"""Commands that compare the generated hardware with the golden model."""
