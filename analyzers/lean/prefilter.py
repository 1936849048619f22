"""Which files can hold evidence at all, told from their bytes at tens of millions of lines a second.

Most files of a large project are about something else. One without any of these words is still parsed, since
its imports lead on and its names may be used elsewhere, but no call in it is evaluated. A test holds every
rule's examples against the words.
"""

_EVIDENCE = (
    b"accelerat async audiocraft batch bitsandbytes compute_type ctranslate cupy cuda cudf cuml deepspeed "
    b"device diffus easyocr einsum environ exllama fairseq flash fp16 from_pretrained gfpgan gpt gpu GPU half "
    b"hugging insightface install Image jax keras linalg lmdeploy load_in matmul mxnet n_gpu numba numpy "
    b"nvidia onnx open_clip openai os. paddle peft pipeline precision random sam_model sentence_ sglang sleep "
    b"subprocess tensor timm torch transformers tree_method triton TTS ultralytics vllm whisper xformers @ "
    b"model CUDA __global__ __kernel backward packages requirements dependencies .fit( faiss apex awq cucim "
    b"dali gptq dot( getenv mm("
).split()
_ACCELERATORS = (
    b"cuda gpu torch tensor onnx diffus whisper vllm nvidia rocm triton numba paddle mxnet keras jax cupy xpu "
    b"transformer"
).split()
_BLOCKS = (
    b"sleep subprocess system urlopen urlretrieve requests httpx joblib spacy ultralytics timm easyocr llama_cpp"
).split()
_SETTINGS = b"device model batch pipeline precision fp16 dtype backend".split()


def may_hold_evidence(data: bytes) -> bool:
    """Whether a file with these bytes can make a rule find anything beyond what it imports."""
    return any(word in data for word in _EVIDENCE)


def may_have_conduct(data: bytes) -> bool:
    """Whether a file with these bytes can make a hygiene rule find anything: they ask about GPUs, and what blocks."""
    blocks = b"async def" in data and any(word in data for word in _BLOCKS)
    return (blocks or may_use_a_gpu(data)) and may_hold_evidence(data)


def may_use_a_gpu(data: bytes) -> bool:
    """Whether a file with these bytes may have to do with a GPU; others are read with less effort."""
    lower = data.lower()
    return any(word in lower for word in _ACCELERATORS)


def may_tell_a_device(data: bytes) -> bool:
    """Whether a module with these bytes can say anything that another one is linted for: a device, a model, a size."""
    lower = data.lower()
    return any(word in lower for word in (*_ACCELERATORS, *_SETTINGS))
