import time, json
def test_x(prepared, model_folder):
    print([len(prepared.src_vocabulary), prepared.train.src_lengths.mean(), prepared.train.tgt_lengths.mean()])
    print((model_folder/"log.jsonl").read_text()); print(sorted(str(p.relative_to(model_folder)) for p in model_folder.rglob("*")))
