"""What `examples` is made of: neighbours, regions that match, representers and doubts."""
