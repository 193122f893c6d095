"""The version: the one place of it, which pyproject.toml reads and the package's face hands on."""

__version__ = "0.2.0"
