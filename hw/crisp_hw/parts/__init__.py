"""Small parts that several blocks are made of, and the sharing of equal blocks as one module."""
