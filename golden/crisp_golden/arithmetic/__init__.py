"""Integer networks and what they compute: fixed point, convolution, pooling, whole inferences."""
