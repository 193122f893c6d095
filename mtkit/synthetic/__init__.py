"""Training on more than the corpus: on pairs that models have made. `train.train` chooses the way."""
