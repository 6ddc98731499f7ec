"""The contract: what hardware, golden model, compiler and driver must agree on, each declared once."""
