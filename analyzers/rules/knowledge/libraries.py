"""Libraries as far as they tell about GPUs: one table each, by import name and by package name."""

from collections.abc import Iterator, Mapping

from analyzers.facts.model import Facts, Import
from analyzers.lean.tables import by_word
from analyzers.project.requirements import normalize
from analyzers.rules.knowledge.frameworks import FRAMEWORKS as FRAMEWORKS  # noqa: PLC0414 -- one place to look libraries up

GPU_ONLY: dict[str, str] = by_word(
    {
        "video decoding on NVIDIA GPUs": "PyNvVideoCodec",
        "NVIDIA's extensions to PyTorch": "apex",
        "model serving on GPUs": "aphrodite lmdeploy mii sglang vllm",
        "4-bit models on CUDA kernels": "auto_gptq autoawq awq gptqmodel",
        "8-bit and 4-bit models on CUDA kernels": "bitsandbytes",
        "state space models as CUDA kernels": "causal_conv1d mamba_ssm",
        "images on CUDA": "cucim",
        "data frames on CUDA": "cudf dask_cudf",
        "graphs on CUDA": "cugraph",
        "classical learning on CUDA": "cuml",
        "clusters of GPUs": "dask_cuda",
        "arrays on CUDA": "cupy cupyx",
        "maps on CUDA": "cuspatial",
        "vector search on CUDA": "cuvs pylibraft",
        "large models across GPUs": "deepspeed",
        "rendering as CUDA kernels": "diff_gaussian_rasterization gsplat nvdiffrast",
        "quantised models on CUDA kernels": "exllama exllamav2 exllamav3",
        "attention as a CUDA kernel": "flash_attn flash_attn_interface flashinfer sageattention",
        "transformer layers as CUDA kernels": "liger_kernel sgl_kernel transformer_engine",
        "kernels for CUDA": "numba.cuda",
        "4-bit diffusion models on CUDA kernels": "nunchaku",
        "input pipelines on CUDA": "nvidia.dali",
        "CUDA itself": "pycuda",
        "memory of CUDA devices": "rmm",
        "sparse convolutions as CUDA kernels": "spconv torchsparse",
        "NVIDIA's inference engine": "tensorrt torch_tensorrt",
        "NVIDIA's engine for language models": "tensorrt_llm",
        "small networks as CUDA kernels": "tinycudann",
        "GPU kernels written in Python": "triton",
        "CUDA shared memory": "tritonclient.utils.cuda_shared_memory",
        "fine-tuning as Triton kernels": "unsloth",
        "attention as CUDA kernels": "xformers",
        "diffusion models across GPUs": "xfuser",
    }
)
"""Import name to what it is; these do nothing useful without a GPU."""

CPU_ONLY: dict[str, str] = by_word(
    {
        "boosted trees": "catboost lightgbm xgboost",
        "faces with classical features": "dlib face_recognition",
        "small embeddings as ONNX models": "fastembed",
        "word vectors": "fasttext",
        "word vectors and topics": "gensim",
        "quantised models on a CPU": "gpt4all llama_cpp",
        "recommendations": "implicit",
        "small speech models as ONNX": "kokoro_onnx sherpa_onnx",
        "small models on a CPU": "mediapipe tflite_runtime",
        "graphs": "networkx",
        "language processing without networks": "nltk",
        "ONNX models, on a CPU unless onnxruntime-gpu is installed": "onnxruntime",
        "models on Intel processors": "openvino",
        "data frames": "pandas polars",
        "small speech models on a CPU": "piper vosk",
        "forecasts": "prophet",
        "data frames across processors": "pyspark",
        "quantised speech models on a CPU": "pywhispercpp",
        "small models as ONNX": "rapidocr_onnxruntime",
        "chemistry": "rdkit",
        "small picture models as ONNX": "rembg",
        "classical learning": "sklearn",
        "language processing, small models by default": "spacy",
        "statistics": "statsmodels",
        "compiled trees": "treelite_runtime",
    }
)
"""Import name to what it is; these compute on the CPU unless told otherwise."""

REMOTE: dict[str, str] = by_word(
    {
        "the Anthropic API": "anthropic langchain_anthropic",
        "the AssemblyAI API": "assemblyai",
        "AWS services": "boto3 langchain_aws",
        "the Cartesia API": "cartesia",
        "the Cerebras API": "cerebras",
        "the Cohere API": "cohere",
        "the APIs of model vendors": "crewai instructor litellm pipecat.services pydantic_ai",
        "the Deepgram API": "deepgram livekit.plugins.deepgram",
        "the ElevenLabs API": "elevenlabs",
        "the fal API": "fal_client",
        "the Fireworks API": "fireworks",
        "the Gemini API": "google.adk google.genai google.generativeai langchain_google_genai",
        "Google Cloud services": "google.cloud vertexai",
        "the Groq API": "groq langchain_groq",
        "Hugging Face's inference service": "huggingface_hub.AsyncInferenceClient huggingface_hub.InferenceClient",
        "the Mistral API": "langchain_mistralai mistralai",
        "an Ollama server": "langchain_ollama ollama",
        "the OpenAI API": "langchain_openai livekit.plugins.openai openai",
        "the Replicate API": "replicate",
        "the Runware API": "runware",
        "the Tavily API": "tavily",
        "the Together API": "together",
        "the Voyage API": "voyageai",
    }
)
"""Import name to the service that does the work elsewhere."""

PLUMBING: dict[str, str] = by_word(
    {
        "pictures": "PIL cv2",
        "HTTP": "aiohttp flask httpx requests",
        "HTML": "bs4",
        "audio and video": "ffmpeg",
        "a web page": "gradio streamlit",
        "templates": "jinja2",
        "XML": "lxml xml.etree xmltodict",
        "video": "moviepy",
        "spreadsheets": "openpyxl",
        "a browser": "playwright selenium",
        "a database": "psycopg2 pymongo redis sqlalchemy",
        "audio": "pydub",
        "documents": "pypdf",
        "downloads": "yt_dlp",
    }
)
"""Import name to what it moves or reshapes; no GPU makes these faster."""

PACKAGES: dict[str, str] = by_word(
    {
        "chatterbox": "chatterbox-tts",
        "TTS": "coqui-tts tts",
        "cudf": "cudf-cu11 cudf-cu12",
        "cugraph": "cugraph-cu12",
        "cuml": "cuml-cu11 cuml-cu12",
        "cupy": "cupy-cuda11x cupy-cuda12x cupy-cuda13x",
        "mii": "deepspeed-mii",
        "haiku": "dm-haiku",
        "esm": "fair-esm",
        "FlagEmbedding": "flagembedding",
        "flash_attn": "flash-attention",
        "flashinfer": "flashinfer-python",
        "groundingdino": "groundingdino-py",
        "llama_cpp": "llama-cpp-python",
        "nemo": "nemo-toolkit",
        "nvidia.dali": "nvidia-dali-cuda110 nvidia-dali-cuda120",
        "open_clip": "open-clip-torch",
        "whisper": "openai-whisper",
        "paddle": "paddlepaddle paddlepaddle-gpu",
        "pyannote": "pyannote-audio",
        "sam2": "sam-2",
        "sklearn": "scikit-learn",
        "segment_anything": "segment-anything-py",
        "stable_whisper": "stable-ts",
        "tortoise": "tortoise-tts",
        "warp": "warp-lang",
    }
)
"""Package names whose import name is not the same with underscores."""


def import_name(package: str) -> str:
    """The import name that belongs to a package name."""
    normalized = normalize(package)
    return PACKAGES.get(normalized, normalized.replace("-", "_"))


def lookup(name: str, table: Mapping[str, object]) -> str:
    """The key of `table` that the qualified import `name` falls under, empty without one."""
    parts = name.split(".")
    return next((".".join(parts[:end]) for end in range(len(parts), 0, -1) if ".".join(parts[:end]) in table), "")


def outside(facts: Facts) -> Iterator[Import]:
    """The imports of other people's libraries: a project's own `clip.py` or `bark/` is none of them."""
    own = {part for file in facts.files for part in _own_names(file.path)}
    return (fact for fact in facts.imports() if fact.package not in own)


def used(facts: Facts, table: Mapping[str, object]) -> Iterator[tuple[str, Import]]:
    """Each key of `table` that other people's libraries fall under, with its first import."""
    seen: set[str] = set()
    for fact in outside(facts):
        key = lookup(fact.name, table)
        if key and key not in seen:
            seen.add(key)
            yield key, fact


def _own_names(path: str) -> tuple[str, ...]:
    """The names under which a project's file may be imported: from the root, from src/, from beside it."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return (parts[0], parts[1] if parts[0] == "src" and len(parts) > 1 else "", parts[-1])
