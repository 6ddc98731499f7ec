"""The hybrid-sparse format: weight matrices, their patterns, and the bytes that they take."""
