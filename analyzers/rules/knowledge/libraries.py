"""Libraries as far as they tell about GPUs: one table each, by import name and by package name."""

from collections.abc import Iterator

from analyzers.facts.model import Facts, Import
from analyzers.project.requirements import normalize
from analyzers.rules.knowledge.frameworks import FRAMEWORKS as FRAMEWORKS  # noqa: PLC0414 -- one place to look libraries up

GPU_ONLY: dict[str, str] = {
    "PyNvVideoCodec": "video decoding on NVIDIA GPUs",
    "apex": "NVIDIA's extensions to PyTorch",
    "aphrodite": "model serving on GPUs",
    "auto_gptq": "4-bit models on CUDA kernels",
    "autoawq": "4-bit models on CUDA kernels",
    "awq": "4-bit models on CUDA kernels",
    "bitsandbytes": "8-bit and 4-bit models on CUDA kernels",
    "causal_conv1d": "state space models as CUDA kernels",
    "cucim": "images on CUDA",
    "cudf": "data frames on CUDA",
    "cugraph": "graphs on CUDA",
    "cuml": "classical learning on CUDA",
    "dask_cuda": "clusters of GPUs",
    "cupy": "arrays on CUDA",
    "cupyx": "arrays on CUDA",
    "cuspatial": "maps on CUDA",
    "cuvs": "vector search on CUDA",
    "dask_cudf": "data frames on CUDA",
    "deepspeed": "large models across GPUs",
    "diff_gaussian_rasterization": "rendering as CUDA kernels",
    "exllama": "quantised models on CUDA kernels",
    "exllamav2": "quantised models on CUDA kernels",
    "exllamav3": "quantised models on CUDA kernels",
    "flash_attn": "attention as a CUDA kernel",
    "flash_attn_interface": "attention as a CUDA kernel",
    "flashinfer": "attention as a CUDA kernel",
    "gptqmodel": "4-bit models on CUDA kernels",
    "gsplat": "rendering as CUDA kernels",
    "liger_kernel": "transformer layers as CUDA kernels",
    "lmdeploy": "model serving on GPUs",
    "mamba_ssm": "state space models as CUDA kernels",
    "mii": "model serving on GPUs",
    "numba.cuda": "kernels for CUDA",
    "nunchaku": "4-bit diffusion models on CUDA kernels",
    "nvdiffrast": "rendering as CUDA kernels",
    "nvidia.dali": "input pipelines on CUDA",
    "pycuda": "CUDA itself",
    "pylibraft": "vector search on CUDA",
    "rmm": "memory of CUDA devices",
    "sageattention": "attention as a CUDA kernel",
    "sgl_kernel": "transformer layers as CUDA kernels",
    "sglang": "model serving on GPUs",
    "spconv": "sparse convolutions as CUDA kernels",
    "tensorrt": "NVIDIA's inference engine",
    "tensorrt_llm": "NVIDIA's engine for language models",
    "tinycudann": "small networks as CUDA kernels",
    "torch_tensorrt": "NVIDIA's inference engine",
    "torchsparse": "sparse convolutions as CUDA kernels",
    "transformer_engine": "transformer layers as CUDA kernels",
    "triton": "GPU kernels written in Python",
    "tritonclient.utils.cuda_shared_memory": "CUDA shared memory",
    "unsloth": "fine-tuning as Triton kernels",
    "vllm": "model serving on GPUs",
    "xformers": "attention as CUDA kernels",
    "xfuser": "diffusion models across GPUs",
}
"""Import name to what it is; these do nothing useful without a GPU."""

CPU_ONLY: dict[str, str] = {
    "catboost": "boosted trees",
    "dlib": "faces with classical features",
    "face_recognition": "faces with classical features",
    "fastembed": "small embeddings as ONNX models",
    "fasttext": "word vectors",
    "gensim": "word vectors and topics",
    "gpt4all": "quantised models on a CPU",
    "implicit": "recommendations",
    "kokoro_onnx": "small speech models as ONNX",
    "lightgbm": "boosted trees",
    "llama_cpp": "quantised models on a CPU",
    "mediapipe": "small models on a CPU",
    "networkx": "graphs",
    "nltk": "language processing without networks",
    "onnxruntime": "ONNX models, on a CPU unless onnxruntime-gpu is installed",
    "openvino": "models on Intel processors",
    "pandas": "data frames",
    "piper": "small speech models on a CPU",
    "polars": "data frames",
    "prophet": "forecasts",
    "pyspark": "data frames across processors",
    "pywhispercpp": "quantised speech models on a CPU",
    "rapidocr_onnxruntime": "small models as ONNX",
    "rdkit": "chemistry",
    "rembg": "small picture models as ONNX",
    "sherpa_onnx": "small speech models as ONNX",
    "sklearn": "classical learning",
    "spacy": "language processing, small models by default",
    "statsmodels": "statistics",
    "tflite_runtime": "small models on a CPU",
    "treelite_runtime": "compiled trees",
    "vosk": "small speech models on a CPU",
    "xgboost": "boosted trees",
}
"""Import name to what it is; these compute on the CPU unless told otherwise."""

REMOTE: dict[str, str] = {
    "anthropic": "the Anthropic API",
    "assemblyai": "the AssemblyAI API",
    "boto3": "AWS services",
    "cartesia": "the Cartesia API",
    "cerebras": "the Cerebras API",
    "cohere": "the Cohere API",
    "crewai": "the APIs of model vendors",
    "deepgram": "the Deepgram API",
    "elevenlabs": "the ElevenLabs API",
    "fal_client": "the fal API",
    "fireworks": "the Fireworks API",
    "google.adk": "the Gemini API",
    "google.cloud": "Google Cloud services",
    "google.genai": "the Gemini API",
    "google.generativeai": "the Gemini API",
    "groq": "the Groq API",
    "huggingface_hub.AsyncInferenceClient": "Hugging Face's inference service",
    "huggingface_hub.InferenceClient": "Hugging Face's inference service",
    "instructor": "the APIs of model vendors",
    "langchain_anthropic": "the Anthropic API",
    "langchain_aws": "AWS services",
    "langchain_google_genai": "the Gemini API",
    "langchain_groq": "the Groq API",
    "langchain_mistralai": "the Mistral API",
    "langchain_ollama": "an Ollama server",
    "langchain_openai": "the OpenAI API",
    "litellm": "the APIs of model vendors",
    "livekit.plugins.deepgram": "the Deepgram API",
    "livekit.plugins.openai": "the OpenAI API",
    "mistralai": "the Mistral API",
    "ollama": "an Ollama server",
    "openai": "the OpenAI API",
    "pipecat.services": "the APIs of model vendors",
    "pydantic_ai": "the APIs of model vendors",
    "replicate": "the Replicate API",
    "runware": "the Runware API",
    "tavily": "the Tavily API",
    "together": "the Together API",
    "vertexai": "Google Cloud services",
    "voyageai": "the Voyage API",
}
"""Import name to the service that does the work elsewhere."""

PLUMBING: dict[str, str] = {
    "PIL": "pictures",
    "aiohttp": "HTTP",
    "bs4": "HTML",
    "cv2": "pictures",
    "ffmpeg": "audio and video",
    "flask": "HTTP",
    "gradio": "a web page",
    "httpx": "HTTP",
    "jinja2": "templates",
    "lxml": "XML",
    "moviepy": "video",
    "openpyxl": "spreadsheets",
    "playwright": "a browser",
    "psycopg2": "a database",
    "pydub": "audio",
    "pymongo": "a database",
    "pypdf": "documents",
    "redis": "a database",
    "requests": "HTTP",
    "selenium": "a browser",
    "sqlalchemy": "a database",
    "streamlit": "a web page",
    "xml.etree": "XML",
    "xmltodict": "XML",
    "yt_dlp": "downloads",
}
"""Import name to what it moves or reshapes; no GPU makes these faster."""

PACKAGES: dict[str, str] = {
    "auto-gptq": "auto_gptq",
    "chatterbox-tts": "chatterbox",
    "coqui-tts": "TTS",
    "cudf-cu11": "cudf",
    "cudf-cu12": "cudf",
    "cugraph-cu12": "cugraph",
    "cuml-cu11": "cuml",
    "cuml-cu12": "cuml",
    "cupy-cuda11x": "cupy",
    "cupy-cuda12x": "cupy",
    "cupy-cuda13x": "cupy",
    "deepspeed-mii": "mii",
    "dm-haiku": "haiku",
    "fair-esm": "esm",
    "flagembedding": "FlagEmbedding",
    "flash-attention": "flash_attn",
    "flash-attn": "flash_attn",
    "flashinfer-python": "flashinfer",
    "groundingdino-py": "groundingdino",
    "llama-cpp-python": "llama_cpp",
    "magic-pdf": "magic_pdf",
    "nemo-toolkit": "nemo",
    "nvidia-dali-cuda110": "nvidia.dali",
    "nvidia-dali-cuda120": "nvidia.dali",
    "open-clip-torch": "open_clip",
    "openai-whisper": "whisper",
    "paddlepaddle": "paddle",
    "paddlepaddle-gpu": "paddle",
    "pyannote-audio": "pyannote",
    "pytorch-lightning": "pytorch_lightning",
    "sam-2": "sam2",
    "scikit-learn": "sklearn",
    "segment-anything-py": "segment_anything",
    "stable-ts": "stable_whisper",
    "tensorrt-llm": "tensorrt_llm",
    "torch-tensorrt": "torch_tensorrt",
    "tortoise-tts": "tortoise",
    "tts": "TTS",
    "warp-lang": "warp",
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


def outside(facts: Facts) -> Iterator[Import]:
    """The imports of other people's libraries: a project's own `clip.py` or `bark/` is none of them."""
    own = {part for file in facts.files for part in _own_names(file.path)}
    return (fact for fact in facts.imports() if fact.package not in own)


def _own_names(path: str) -> tuple[str, ...]:
    """The names under which a project's file may be imported: from the root, from src/, from beside it."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return (parts[0], parts[1] if parts[0] == "src" and len(parts) > 1 else "", parts[-1])
