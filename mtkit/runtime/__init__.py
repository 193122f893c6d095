"""What a `Stepper` runs on: ONNX Runtime on a CPU, the torch network on a GPU and in validation, several as one."""
