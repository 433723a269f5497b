"""A package whose extensions can not be used."""
