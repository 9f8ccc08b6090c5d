"""Reading Python: bytes to text to tree, names resolved, constants folded, values followed."""
