"""mtkit: a recurrent machine translation toolkit."""

__version__ = "0.1.0"
