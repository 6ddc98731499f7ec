"""Methods of pruning: how each of them chooses the weights that stay."""
