"""From weights to ONNX graphs; importing it needs the full install, running the graphs does not."""
