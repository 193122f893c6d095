"""The values of settings that are one of a few names."""

from __future__ import annotations

from typing import Literal

VocabType = Literal["unigram", "bpe", "word", "char"]
Cell = Literal["gru", "lstm", "gru-original"]
AttentionType = Literal["none", "additive", "dot", "general"]
Tying = Literal["auto", "all", "target", "none"]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]
RuntimePrecision = Literal["auto", "float32", "int8", "bfloat16"]
ScheduleName = Literal["cosine", "inverse-sqrt", "plateau"]
PresetName = Literal["auto", "tiny", "small", "base", "large"]
LengthNorm = Literal["average", "wu"]
AlignmentUnit = Literal["none", "piece", "word"]
OutputFormat = Literal["text", "jsonl"]
DecodingErrors = Literal["strict", "replace"]
