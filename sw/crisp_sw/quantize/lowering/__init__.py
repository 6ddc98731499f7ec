"""From traced torch models to float networks with the layers of an integer network."""
