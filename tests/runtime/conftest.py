"""Untrained models in folders, for graphs to be made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from mtkit.model_folder import CorpusRecord, ModelConfig, ModelFolder
from mtkit.nn import Seq2Seq
from mtkit.nn.weights import save_weights
from mtkit.runtime.onnx_export.export import write_graphs
from mtkit.runtime.onnx_export.network import GraphNetwork
from mtkit.runtime.onnx_export.weights import read_weights
from mtkit.runtime.onnx_stepper import OnnxStepper
from mtkit.settings import NetworkSettings

PIECES = 150
"""Pieces of the vocabulary: more than two blocks of the output layer, the last one not full."""


@dataclass(frozen=True)
class Exported:
    """A network in a folder, and its graphs."""

    network: Seq2Seq
    folder: ModelFolder

    def save(self) -> None:
        """Write the weights as they are now."""
        save_weights(self.network, self.folder.path / "model.safetensors")

    def stepper(self, precision: str) -> OnnxStepper:
        graphs = self.folder.path / precision
        network = GraphNetwork(self.folder.config.network, read_weights(self.folder))
        write_graphs(network, precision, graphs, digest="")
        return OnnxStepper(graphs / "encoder.onnx", graphs / "step.onnx")


@pytest.fixture
def exported(tmp_path: Path) -> Callable[[NetworkSettings], Exported]:
    """Make a network of these settings, with logits of some size."""

    def make(settings: NetworkSettings, scale: float = 4.0) -> Exported:
        torch.manual_seed(1)
        network = Seq2Seq(settings, PIECES, PIECES).eval()
        with torch.no_grad():
            network.output.bias.normal_()
            for name, weight in network.named_parameters():
                if name.endswith(("bias_ih_l0", "bias_hh_l0", "inputs.bias")):
                    weight.normal_(std=0.3)
            network.output.weight.mul_(scale)
        path = tmp_path / "model"
        path.mkdir(exist_ok=True)
        save_weights(network, path / "model.safetensors")
        corpus = CorpusRecord(fingerprint="", train_pairs=1, valid_pairs=1, longest_src=100, inputs=[])
        config = ModelConfig(
            mtkit_version="0", src_lang="en", tgt_lang="fr", vocabularies={"joint.spm": ""}, src_vocab_size=PIECES,
            tgt_vocab_size=PIECES, network=settings, corpus=corpus, preprocess={}, train={},
        )  # fmt: skip
        folder = ModelFolder(path, config)
        return Exported(network, folder)

    return make


@pytest.fixture
def sources() -> tuple[np.ndarray, np.ndarray]:
    """Seven sources of 1 to 15 tokens, padded to a width of 16, and their lengths."""
    generator = np.random.default_rng(1)
    lengths = np.array([7, 1, 15, 4, 11, 2, 15])
    src = generator.integers(4, PIECES, (len(lengths), 16))
    src[np.arange(16) >= lengths[:, None]] = 0
    return src, lengths
