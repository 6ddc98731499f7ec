"""The compute core: activation memory, block-index decoder, loader, array, and their control."""
