"""Training of classifiers: settings, loop, saved state, and accuracy."""
