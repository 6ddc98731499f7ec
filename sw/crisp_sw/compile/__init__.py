"""The compiler: from a quantized network to a program of the accelerator.

``compile_network`` is the one entry point. The way there: first-layer rewriting (``input_mapping``), the
graph of stages and tensors (``graph``), fused groups and their bands of rows (``bands``, ``partition``),
places in the activation memory (``layout``, ``allocation``), and commands with their tokens (``emission``,
``dependencies``).
"""
