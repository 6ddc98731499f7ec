"""The pruner for training loops of others, after the conventions of `torch.ao.pruning`."""
