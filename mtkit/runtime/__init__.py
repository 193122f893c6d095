"""What a `Stepper` runs on: the torch network, on a CPU or a GPU."""
