"""Benchmarks: mtkit and its yardsticks, side by side in one run. `make bench` runs them all."""
