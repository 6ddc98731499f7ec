"""Class-aware pruner, quantizer, exporter, reports and the command line, in PyTorch."""
