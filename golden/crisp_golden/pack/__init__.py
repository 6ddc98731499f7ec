"""Layers as the core runs them: tensors in SMEM, weights in slots, and the jobs that use them."""
