"""Cells of the accuracy experiment: what each of them prunes, how, for whom, and what came out."""
