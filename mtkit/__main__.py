"""`python -m mtkit`, which torchrun needs."""

from mtkit.cli.app import main

if __name__ == "__main__":
    main()
