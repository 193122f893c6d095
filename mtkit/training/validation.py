"""What a network is worth between updates: its loss and its score on the validation pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from mtkit.dataset.batches import Batches
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.evaluation import LeadingMetric, MetricName, ModelScore
from mtkit.nn import Seq2Seq, smoothed_cross_entropy
from mtkit.runtime.torch_stepper import TorchStepper
from mtkit.search import search
from mtkit.settings import SearchSettings
from mtkit.text.padding import pad
from mtkit.text.vocabulary import BOS, EOS, PAD
from mtkit.training.events import Sample


@dataclass(frozen=True)
class Validation:
    """Loss in nats a target token, and the score of greedy translations, cased and detokenised, and some of them."""

    loss: float
    value: float
    """Of the score that leads, from 0 to 100."""
    metric: MetricName = "bleu"
    samples: tuple[Sample, ...] = ()

    @property
    def perplexity(self) -> float:
        """The exponential of the loss; infinite where that overflows."""
        return math.exp(self.loss) if self.loss < 700 else math.inf

    @property
    def score(self) -> ModelScore:
        """What the network is worth, to be compared with others."""
        return ModelScore(self.metric, self.value, self.perplexity)


class Validator:
    """Validates one network on one corpus, in evaluation mode, and leaves it in training mode."""

    sentences_together = 256
    shown = (0.4, 0.5, 0.6)
    """Where the samples stand among the sources in the order of their length: in the middle, but not all of one."""

    def __init__(
        self,
        corpus: PreparedCorpus,
        network: Seq2Seq,
        batch_tokens: int,
        autocast: torch.dtype | None,
        metric: LeadingMetric,
    ) -> None:
        self.network = network
        self.corpus = corpus
        self.metric = metric
        self.batches = Batches(corpus.valid, batch_tokens, seed=0)
        self.stepper = TorchStepper(network, autocast=autocast)
        order = np.argsort(corpus.valid.src_lengths, kind="stable")
        self.sample_indices = list(dict.fromkeys(int(order[int(share * len(order))]) for share in self.shown))
        self.sample_sources = corpus.valid.src_texts(self.sample_indices)

    def __call__(self) -> Validation:
        """Run over all validation pairs."""
        self.network.eval()
        try:
            loss, translations = self._loss(), self._translate()
        finally:
            self.network.train()
        metric = self.metric
        samples = tuple(
            Sample(source, metric.references[index], translations[index])
            for index, source in zip(self.sample_indices, self.sample_sources, strict=True)
        )
        return Validation(loss, metric(translations), metric.leading.name, samples)

    def _loss(self) -> float:
        total, tokens = 0.0, 0
        device, autocast = self.stepper.device, self.stepper.autocast
        with torch.inference_mode(), torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
            for indices in self.batches.in_order():
                batch = self.batches.load(indices)
                src, lengths, tgt_in, tgt_out = (
                    torch.from_numpy(array).to(device)
                    for array in (batch.src, batch.src_lengths, batch.tgt_in, batch.tgt_out)
                )
                real = tgt_out != PAD
                readout = self.network(src, lengths, tgt_in)[real]
                output = self.network.output
                loss = smoothed_cross_entropy(readout, output.weight, output.bias, tgt_out[real], smoothing=0.0)
                total += float(loss.negative_log_likelihood)
                tokens += batch.tokens
        return total / tokens

    def _translate(self) -> list[str]:
        """Translate every source, greedily, in the order of the corpus."""
        split = self.corpus.valid
        translations = [""] * len(split)
        order = np.argsort(split.src_lengths, kind="stable")
        for indices in np.split(order, range(self.sentences_together, len(order), self.sentences_together)):
            src, _ = split.gather(indices)
            lengths = np.array([len(ids) + 1 for ids in src])
            found = search(self.stepper, pad(src, after=[EOS]), lengths, SearchSettings(beam_size=1), bos=BOS, eos=EOS)
            for index, (hypothesis,) in zip(indices, found, strict=True):
                translations[index] = self.corpus.tgt_vocabulary.decode(hypothesis.ids)
        return translations
