"""Embedding as Python does it: one JSON request a line, one JSON answer a line. Sorting and tokenising are inside the time."""
import importlib.util, json, resource, sys, time
import numpy, onnxruntime
from tokenizers import Tokenizer

state = {}


def load(folder, texts, precision, threads):
    name = "model.onnx" if precision == "fp32" else "model_quantized.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    state["session"] = onnxruntime.InferenceSession(f"{folder}/onnx/{name}", options, ["CPUExecutionProvider"])
    state["tokenizer"] = Tokenizer.from_file(f"{folder}/tokenizer.json")
    state["tokenizer"].no_padding()
    state["texts"] = [line.rstrip("\n") for line in open(texts, encoding="utf-8")]
    state["folder"], state["threads"] = folder, threads
    return {"texts": len(state["texts"])}


def onnx(batch=64, max_length=256, target=None):
    """With mean pooling."""
    start = time.perf_counter()
    texts, session, tokenizer = state["texts"], state["session"], state["tokenizer"]
    tokenizer.enable_truncation(max_length)
    encoded = [one.ids for one in tokenizer.encode_batch(texts)]
    order = sorted(range(len(texts)), key=lambda at: len(encoded[at]))
    names = {one.name for one in session.get_inputs()}
    vectors = None
    for at in range(0, len(order), batch):
        part = order[at : at + batch]
        longest = max(len(encoded[one]) for one in part)
        ids = numpy.zeros((len(part), longest), dtype="int64")
        mask = numpy.zeros((len(part), longest), dtype="int64")
        for row, one in enumerate(part):
            ids[row, : len(encoded[one])] = encoded[one]
            mask[row, : len(encoded[one])] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        hidden = session.run(None, {name: value for name, value in given.items() if name in names})[0]
        weights = mask[..., None].astype("float32")
        pooled = (hidden * weights).sum(1) / weights.sum(1)
        pooled /= numpy.linalg.norm(pooled, axis=1, keepdims=True)
        if vectors is None:
            vectors = numpy.zeros((len(texts), pooled.shape[1]), dtype="float32")
        vectors[part] = pooled
    seconds = time.perf_counter() - start
    if target:
        vectors.tofile(target)
    return {"seconds": seconds, "peak": peak(), "version": onnxruntime.__version__}


def sentence_transformers(batch=64, max_length=256, target=None, kind="float32", scratch=None):
    import sentence_transformers, torch

    torch.set_num_threads(state["threads"])
    if "model" not in state:
        dtype = {"torch_dtype": getattr(torch, kind)}
        folder = with_weights(state["folder"], scratch)
        state["model"] = sentence_transformers.SentenceTransformer(folder, device="cpu", model_kwargs=dtype)
        state["model"].max_seq_length = max_length
    start = time.perf_counter()
    state["model"].encode(state["texts"], batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
    return {"seconds": time.perf_counter() - start, "peak": peak(), "version": sentence_transformers.__version__}


def with_weights(folder, scratch):
    """The folder itself where it has weights for torch; else a copy with random ones of the same shape, as fast as any."""
    import os, shutil, transformers

    if any(os.path.exists(f"{folder}/{name}") for name in ("model.safetensors", "pytorch_model.bin")):
        return folder
    copy = f"{scratch}/torch-{os.path.basename(folder)}"
    shutil.copytree(folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("onnx"), copy_function=shutil.copyfile)
    transformers.AutoModel.from_config(transformers.AutoConfig.from_pretrained(folder)).save_pretrained(copy)
    return copy


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


verbs = {"load": load, "onnx": onnx, "sentence_transformers": sentence_transformers}
print(json.dumps({"version": onnxruntime.__version__}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    verb = request.pop("do")
    try:
        answer = verbs[verb](**request)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
