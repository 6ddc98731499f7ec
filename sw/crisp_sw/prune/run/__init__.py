"""A pruning run: choosing and fine-tuning in turns, checked, saved, resumed and reported."""
