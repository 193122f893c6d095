#!/usr/bin/env bash
# torch.topk and ONNX's TopK choose differently among equal values, so an exported beam search is not the one it was made of.
#
# Seen with torch 2.13.0 (CPU) and onnxruntime 1.32.0, on rows of 100 numbers of which every even one is 1 and every odd
# one 0:
#
#   k    torch.topk, sorted=True    TopK in ONNX Runtime    torch.sort, stable=True
#   1    0                          0                       0
#   3    40 42 78                   0 2 4                   0 2 4
#   5    78 80 40 42 46             0 2 4 6 8               0 2 4 6 8
#
# ONNX's operator promises the lower index first. torch's promises nothing for ties, but what surprises is how far it goes:
# "sorted" sorts by value alone, the top 3 are not the first 3 of the top 5, the top 1 is in neither, and which indices come
# back depends on the width of the row (at 8,000 columns they are 4 0 2). In bfloat16, where the logits of a vocabulary
# often tie (8 bits of mantissa), the same network therefore finds other hypotheses in torch than in its own export, and a
# beam of 1 other words than greedy search. torch.sort(stable=True), or one argmax after another, agrees with ONNX.
#
# Needs python3 with venv, and a package index. Prints the table, and fails if it is another one. TORCH names another
# build of the same version, such as one without CUDA.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "${TORCH:-torch==2.13.0}" numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0

cat >"$folder/ties.py" <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper

torch.set_num_threads(1)
graph = helper.make_graph(
    [helper.make_node("TopK", ["x", "k"], ["values", "indices"], sorted=1)],
    "topk",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, None]), helper.make_tensor_value_info("k", TensorProto.INT64, [1])],
    [helper.make_tensor_value_info("indices", TensorProto.INT64, [None, None])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnx.checker.check_model(model)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def row(columns):
    x = torch.zeros(1, columns)
    x[:, ::2] = 1
    return x


x = row(100)
for k in (1, 3, 5):
    in_torch = x.topk(k, dim=1, sorted=True).indices[0].tolist()
    in_onnx = session.run(["indices"], {"x": x.numpy(), "k": np.array([k])})[0][0].tolist()
    stable = x.sort(dim=1, descending=True, stable=True).indices[0, :k].tolist()
    print(k, *(" ".join(map(str, found)) for found in (in_torch, in_onnx, stable)), sep=" | ")
print("8000 columns, k = 3", " ".join(map(str, row(8000).topk(3, dim=1).indices[0].tolist())), sep=" | ")
PYTHON

expected="1 | 0 | 0 | 0
3 | 40 42 78 | 0 2 4 | 0 2 4
5 | 78 80 40 42 46 | 0 2 4 6 8 | 0 2 4 6 8
8000 columns, k = 3 | 4 0 2"
seen=$("$folder/venv/bin/python" "$folder/ties.py")
echo "k | torch.topk | ONNX TopK | torch.sort, stable"
echo "$seen"
[ "$seen" = "$expected" ] || { echo "This has changed; expected:" >&2; echo "$expected" >&2; exit 1; }
