"""The commands of the program ``crisp``, one file each."""
