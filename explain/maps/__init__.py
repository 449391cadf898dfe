"""What the methods that draw heat maps share."""
