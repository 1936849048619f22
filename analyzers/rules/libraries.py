"""Libraries as far as they tell about GPUs: one table each, by import name and by package name."""

from analyzers.dependencies import normalize

GPU_ONLY: dict[str, str] = {
    "apex": "NVIDIA's extensions to PyTorch",
    "auto_gptq": "4-bit models on CUDA kernels",
    "autoawq": "4-bit models on CUDA kernels",
    "awq": "4-bit models on CUDA kernels",
    "bitsandbytes": "8-bit and 4-bit models on CUDA kernels",
    "cucim": "images on CUDA",
    "cudf": "data frames on CUDA",
    "cuml": "classical learning on CUDA",
    "cupy": "arrays on CUDA",
    "deepspeed": "large models across GPUs",
    "exllamav2": "quantised models on CUDA kernels",
    "flash_attn": "attention as a CUDA kernel",
    "lmdeploy": "model serving on GPUs",
    "nvidia.dali": "input pipelines on CUDA",
    "pycuda": "CUDA itself",
    "sglang": "model serving on GPUs",
    "tensorrt": "NVIDIA's inference engine",
    "tensorrt_llm": "NVIDIA's engine for language models",
    "torch_tensorrt": "NVIDIA's inference engine",
    "triton": "GPU kernels written in Python",
    "tritonclient.utils.cuda_shared_memory": "CUDA shared memory",
    "vllm": "model serving on GPUs",
    "xformers": "attention as CUDA kernels",
}
"""Import name to what it is; these do nothing useful without a GPU."""

FRAMEWORKS: dict[str, float] = {
    "TTS": 1.0,
    "accelerate": 0.5,
    "audiocraft": 2.5,
    "basicsr": 1.5,
    "boltz": 2.5,
    "comfy_cli": 2.5,
    "ctranslate2": 0.3,
    "demucs": 1.5,
    "detectron2": 1.5,
    "diffusers": 3.0,
    "easyocr": 0.5,
    "facexlib": 1.0,
    "fairseq": 0.8,
    "fastai": 0.0,
    "faster_whisper": 0.8,
    "flair": 0.0,
    "gfpgan": 1.5,
    "insightface": 0.6,
    "jax": 0.3,
    "keras": -0.2,
    "lightning": 0.3,
    "mmcv": 1.0,
    "mmdet": 1.2,
    "monai": 0.8,
    "mxnet": 0.0,
    "open_clip": 0.6,
    "paddle": 0.0,
    "peft": 1.5,
    "pytorch_lightning": 0.3,
    "realesrgan": 1.5,
    "segment_anything": 1.5,
    "sentence_transformers": 0.0,
    "tensorflow": 0.0,
    "tensorflow_hub": 0.0,
    "timm": 0.3,
    "torch": 0.2,
    "tortoise": 2.0,
    "torchaudio": 0.2,
    "torchvision": 0.1,
    "transformers": 0.2,
    "ultralytics": 0.5,
    "whisper": 0.8,
    "whisperx": 1.5,
}
"""Import name to weight: these run on a CPU and on a GPU; the weight says how rarely the former is enough."""

CPU_ONLY: dict[str, str] = {
    "catboost": "boosted trees",
    "gpt4all": "quantised models on a CPU",
    "lightgbm": "boosted trees",
    "llama_cpp": "quantised models on a CPU",
    "onnxruntime": "ONNX models, on a CPU unless onnxruntime-gpu is installed",
    "openvino": "models on Intel processors",
    "pandas": "data frames",
    "polars": "data frames",
    "sklearn": "classical learning",
    "spacy": "language processing, small models by default",
    "statsmodels": "statistics",
    "tflite_runtime": "small models on a CPU",
    "xgboost": "boosted trees",
}
"""Import name to what it is; these compute on the CPU unless told otherwise."""

REMOTE: dict[str, str] = {
    "anthropic": "the Anthropic API",
    "boto3": "AWS services",
    "cohere": "the Cohere API",
    "google.cloud": "Google Cloud services",
    "groq": "the Groq API",
    "mistralai": "the Mistral API",
    "openai": "the OpenAI API",
    "replicate": "the Replicate API",
    "together": "the Together API",
}
"""Import name to the service that does the work elsewhere."""

PACKAGES: dict[str, str] = {
    "auto-gptq": "auto_gptq",
    "coqui-tts": "TTS",
    "cudf-cu12": "cudf",
    "cuml-cu12": "cuml",
    "cupy-cuda11x": "cupy",
    "cupy-cuda12x": "cupy",
    "cupy-cuda13x": "cupy",
    "flash-attn": "flash_attn",
    "llama-cpp-python": "llama_cpp",
    "open-clip-torch": "open_clip",
    "openai-whisper": "whisper",
    "pytorch-lightning": "pytorch_lightning",
    "scikit-learn": "sklearn",
    "tensorrt-llm": "tensorrt_llm",
    "torch-tensorrt": "torch_tensorrt",
    "tortoise-tts": "tortoise",
}
"""Package names whose import name is not the same with underscores."""


def import_name(package: str) -> str:
    """The import name that belongs to a package name."""
    normalized = normalize(package)
    return PACKAGES.get(normalized, normalized.replace("-", "_"))


def lookup(name: str, table: dict[str, str] | dict[str, float]) -> str:
    """The key of `table` that the qualified import `name` falls under, empty without one."""
    parts = name.split(".")
    return next((".".join(parts[:end]) for end in range(len(parts), 0, -1) if ".".join(parts[:end]) in table), "")
