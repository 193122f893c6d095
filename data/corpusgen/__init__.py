"""Generator of the English-French training corpus."""
