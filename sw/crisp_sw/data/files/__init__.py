"""Files of data sets: downloads, archives, pictures and lists, each checked before it is believed."""
