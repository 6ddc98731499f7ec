"""Data sets by where they come from: CIFAR, Fashion-MNIST, digits, and folders of pictures."""
