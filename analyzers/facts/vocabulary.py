"""Names of other people's libraries that stage 1 needs to read a value or a guard; rules have their own tables."""

from analyzers.lean.tables import words

AVAILABILITY = words(
    "torch.cuda.is_available torch.cuda.device_count torch.backends.mps.is_available torch.xpu.is_available "
    "torch.accelerator.is_available tensorflow.test.is_gpu_available tensorflow.test.gpu_device_name "
    "tensorflow.config.list_physical_devices tensorflow.config.list_logical_devices "
    "tensorflow.config.experimental.list_physical_devices cupy.cuda.is_available cupy.is_available "
    "cupy.cuda.runtime.getDeviceCount numba.cuda.is_available numba.cuda.detect paddle.is_compiled_with_cuda "
    "paddle.device.is_compiled_with_cuda mxnet.context.num_gpus cv2.cuda.getCudaEnabledDeviceCount "
    "onnxruntime.get_device onnxruntime.get_available_providers transformers.utils.is_torch_cuda_available "
    "transformers.is_torch_cuda_available GPUtil.getAvailable GPUtil.getGPUs pynvml.nvmlDeviceGetCount "
    "runpod.serverless.utils.rp_cuda.is_available torch.version.cuda torch.cuda.get_device_name torch.npu.is_available "
    "faiss.get_num_gpus open3d.core.cuda.is_available open3d.core.cuda.device_count dlib.cuda.get_num_devices "
    "dlib.DLIB_USE_CUDA warp.is_cuda_available warp.get_cuda_device_count cudaq.num_available_gpus "
    "ctranslate2.get_cuda_device_count llama_cpp.llama_supports_gpu_offload accelerate.utils.is_cuda_available "
    "paddle.device.cuda.device_count paddle.is_compiled_with_rocm tensorflow.test.is_built_with_cuda "
    "torch.backends.cuda.is_built mlx.core.metal.is_available numba.cuda.gpus pycuda.driver.Device.count "
    "lightning.pytorch.accelerators.CUDAAccelerator.is_available cv2.cuda.getDevice "
    "jax.default_backend lightning.fabric.accelerators.cuda.is_cuda_available"
)
"""Calls that return whether a GPU is available."""

DECLARED_DEFAULTS = words(
    "attr.ib attrs.field cog.Input dataclasses.field fastapi.Body fastapi.Form fastapi.Header fastapi.Query "
    "msgspec.field pydantic.Field sqlmodel.Field typer.Argument typer.Option"
)
"""Calls that stand where a default value would, and name it: their `default`, or else what comes first."""

BACKEND_VARIABLES = frozenset({"GAIA_BACKEND", "GAIA_ACCELERATOR"})
"""Environment variables from which a function learns on what it runs."""

GPU_WORDS = ("cuda", "gpu", "nvidia", "emulated", "mps", "xpu", "hip")
CPU_WORDS = ("cpu", "none", "")

DEVICE_CALLS = frozenset({"torch.device", "mxnet.Context"})
"""Constructors whose value is the device they name."""

DEVICE_KEYWORDS = (
    "device",
    "map_location",
    "torch_device",
    "device_name",
    "device_type",
    "gpu_id",
    "device_id",
    "main_device",
)
"""Arguments that name a device, in the frameworks and in most code around them."""

ARRAY_MODULES = words("torch numpy cupy tensorflow jax.numpy tensorflow.random numpy.random cupy.random")
SHAPE_AS_ARGUMENTS = frozenset({"randn", "rand", "zeros", "ones", "empty"})
"""Allocations that take each dimension as an argument (torch.*, numpy.random.*) as well as a tuple."""
SHAPE_FIRST = words("zeros ones empty full random normal uniform standard_normal random_sample truncated_normal")
SHAPE_KEYWORDS = ("size", "shape")

SAME_OBJECT = words("to cuda cpu half float bfloat16 eval train astype contiguous requires_grad_ detach clone")
"""Methods that return the same model or tensor, for what matters here."""

GPU_ONLY_MODULES = ("cupy", "cudf", "cuml", "pycuda", "numba.cuda", "tensorrt", "triton", "torch_tensorrt", "cuda")
"""Modules, by the start of their qualified name, that do nothing without a GPU; importing one may be an attempt."""

LOOKS = words(
    "glob.glob importlib.util.find_spec os.access os.path.exists os.path.isfile pkgutil.find_loader shutil.which"
)
"""What looks whether a file, a program or a module is there: `/dev/nvidia0`, `nvidia-smi`."""

PACKAGE_LISTS = words("dependencies packages pip_packages python_packages requirements pip_requirements")
"""Names under which code lists the packages that its image needs."""

PLATFORMS = words(
    "beam bentoml cog fal functions_framework kserve litserve modal mosec potassium ray runpod runpod_flash "
    "spaces tetra_rp"
)
"""Packages with which code configures the platform that runs it."""
