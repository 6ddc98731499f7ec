"""Program images, read back: their commands in words, what they take, and how full the memories are."""
