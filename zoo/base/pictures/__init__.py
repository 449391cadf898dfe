"""Reading a picture: its format, depth, orientation and limits, to 8-bit pixels."""
