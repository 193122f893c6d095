"""mtkit: a recurrent machine translation toolkit."""
