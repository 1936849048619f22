"""What happens without a GPU where the code tries one: an answer to the failure makes a choice of a need."""

from pathlib import Path

import pytest

from analyzers.facts.gpu_only import gpu_only
from runtime_images.policy.model import ExecutionMode
from tests.analyzers.support import codes, mode_of

HEAD = "import torch\n\nnet = torch.jit.load('m.pt')\n"
TAIL = "\n\ndef handler(p):\n    return net(torch.tensor(p['x'])).tolist()\n"
PREFERRED = (ExecutionMode.CPU_PREFERRED, ExecutionMode.GPU_PREFERRED)


AN_ATTEMPT_WITH_AN_ANSWER_IS = """\
import subprocess
try:
    subprocess.check_output(['nvidia-smi'])
    found = True
except (FileNotFoundError, subprocess.CalledProcessError):
    found = False
if found:
    net.cuda()
# ---
import faiss
index = faiss.IndexFlatL2(8)
try:
    memory = faiss.StandardGpuResources()
    index = faiss.index_cpu_to_gpu(memory, 0, index)
except AttributeError:
    pass
# ---
import faiss
index = faiss.read_index('i.faiss')
if faiss.get_num_gpus() > 0:
    index = faiss.index_cpu_to_all_gpus(index)
found = index.search(net, 5)[1].tolist()
# ---
from transformers import AutoModel
try:
    more = AutoModel.from_pretrained('a/b', attn_implementation='flash_attention_2')
except Exception:
    more = AutoModel.from_pretrained('a/b')
# ---
import sys
try:
    net.cuda()
except Exception:
    try:
        net.to('cpu')
    except Exception:
        sys.exit(1)
# ---
try:
    net = net.to('cuda')
except RuntimeError:
    net = net.to('cpu')
# ---
try:
    net = net.cuda()
except (AssertionError, RuntimeError):
    pass
# ---
try:
    net.cuda()
except Exception as error:
    print('no GPU', error)
# ---
try:
    net.cuda()
except:
    pass
# ---
try:
    torch.cuda.init()
    place = 'cuda'
except RuntimeError:
    place = 'cpu'
net = net.to(place)
# ---
from contextlib import suppress
with suppress(RuntimeError):
    net = net.cuda()
# ---
import contextlib
with contextlib.suppress(Exception):
    net.cuda()
# ---
def put(x):
    try:
        return x.cuda()
    except (AssertionError, RuntimeError):
        return x
net = put(net)
# ---
def has_gpu():
    try:
        torch.zeros(1).cuda()
        return True
    except RuntimeError:
        return False
if has_gpu():
    net = net.cuda()
# ---
def place():
    try:
        torch.zeros(1).to('cuda')
    except RuntimeError:
        return 'cpu'
    return 'cuda'
net.to(place())
# ---
class Service:
    def __init__(self):
        self.net = net
        try:
            self.net = self.net.cuda()
        except RuntimeError:
            pass
service = Service()
# ---
for place in ('cuda', 'cpu'):
    try:
        net = net.to(place)
        break
    except RuntimeError:
        continue
# ---
try:
    try:
        net = net.cuda()
    finally:
        print('tried')
except RuntimeError:
    pass
# ---
try:
    net = net.cuda()
except RuntimeError:
    pass
else:
    print('on the GPU')
"""


@pytest.mark.parametrize("attempt", codes(AN_ATTEMPT_WITH_AN_ANSWER_IS))
def test_an_attempt_with_an_answer_is_a_choice(tmp_path: Path, attempt: str) -> None:
    assert mode_of(tmp_path, HEAD + attempt + TAIL) in PREFERRED


AN_ATTEMPT_WITHOUT_AN_ANSWER_IS = """\
try:
    net = net.cuda()
except RuntimeError:
    raise
# ---
try:
    net = net.cuda()
except RuntimeError as error:
    raise SystemExit('no GPU') from error
# ---
import sys
try:
    net = net.cuda()
except RuntimeError:
    print('no GPU')
    sys.exit(1)
# ---
try:
    net = net.cuda()
except KeyError:
    pass
# ---
try:
    net = net.cuda()
except torch.cuda.OutOfMemoryError:
    torch.cuda.empty_cache()
# ---
try:
    net = net.cuda()
finally:
    print('tried')
# ---
try:
    big = torch.jit.load('b.pt').cuda()
except RuntimeError as error:
    print(error)
# ---
def run(x):
    try:
        return net.cuda()(x)
    except Exception as error:
        return {'error': str(error)}
# ---
def run(x):
    try:
        return net.cuda()(x)
    except Exception as error:
        return str(error), 500
# ---
def run(x):
    try:
        return net.cuda()(x)
    except Exception:
        print('failed')
# ---
def run(x):
    try:
        return net.cuda()(x)
    except Exception:
        return None
# ---
from contextlib import suppress
with suppress(KeyError):
    net = net.cuda()
# ---
try:
    import json
except ImportError:
    json = None
net = net.cuda()
"""


@pytest.mark.parametrize("attempt", codes(AN_ATTEMPT_WITHOUT_AN_ANSWER_IS))
def test_an_attempt_without_an_answer_is_a_need(tmp_path: Path, attempt: str) -> None:
    assert mode_of(tmp_path, HEAD + attempt + TAIL) is ExecutionMode.GPU


A_LIBRARY_FOR_GPUS_THAT_MAY = """\
import contextlib
import numpy as np
with contextlib.suppress(ImportError):
    import cupy as np
# ---
try:
    import cupy
    HAS_CUPY = True
except ImportError:
    HAS_CUPY = False
# ---
try:
    import cupy as np
except ImportError:
    import numpy as np
# ---
try:
    import cupy as np
except (ImportError, OSError):
    np = None
if np is None:
    import numpy as np
# ---
import importlib.util
if importlib.util.find_spec('cupy') is not None:
    import cupy as np
else:
    import numpy as np
# ---
from importlib.util import find_spec
if find_spec('cupy'):
    import cupy as np
else:
    import numpy as np
# ---
import importlib.util as u
HAS = u.find_spec('cupy') is not None
if HAS:
    import cupy as np
else:
    import numpy as np
"""


@pytest.mark.parametrize("imported", codes(A_LIBRARY_FOR_GPUS_THAT_MAY))
def test_a_library_for_gpus_that_may_be_missing_is_a_choice(tmp_path: Path, imported: str) -> None:
    code = f"{imported}\n\n\ndef handler(p):\n    a = np.asarray(p['x'])\n    return float((a @ a).sum())\n"

    assert mode_of(tmp_path, code) in PREFERRED


A_LIBRARY_FOR_GPUS_THAT_MUST = """\
try:
    import cupy as np
except ImportError:
    raise RuntimeError('cupy is missing')
# ---
import importlib.util
if importlib.util.find_spec('json'):
    print('json')
import cupy as np
# ---
import cupy as np
"""


@pytest.mark.parametrize("imported", codes(A_LIBRARY_FOR_GPUS_THAT_MUST))
def test_a_library_for_gpus_that_must_be_there_is_a_need(tmp_path: Path, imported: str) -> None:
    code = f"{imported}\n\n\ndef handler(p):\n    return float(np.asarray(p['x']).sum())\n"

    assert mode_of(tmp_path, code) is ExecutionMode.GPU


def test_a_refusal_by_another_librarys_question_is_a_need(tmp_path: Path) -> None:
    code = (
        "import runpod\nfrom kraken.lib import models\nfrom runpod.serverless.utils import rp_cuda\n"
        "if not rp_cuda.is_available():\n    raise RuntimeError('a GPU is required')\nnet = models.load_any('m')\n"
        "def handler(job):\n    return {}\nrunpod.serverless.start({'handler': handler})\n"
    )

    assert mode_of(tmp_path, code) is ExecutionMode.GPU


@pytest.mark.parametrize(
    "refusal", ["torch.cuda.is_available() or sys.exit('no GPU')", "not torch.cuda.is_available() and exit(1)"]
)
def test_a_refusal_may_be_an_expression(refusal: str, tmp_path: Path) -> None:
    assert mode_of(tmp_path, f"import sys\n{HEAD}{refusal}\n{TAIL}") is ExecutionMode.GPU


@pytest.mark.parametrize("library", sorted(name for name in gpu_only() if "." not in name))
def test_an_import_of_any_library_for_gpus_may_be_an_attempt(tmp_path: Path, library: str) -> None:
    attempt = f"try:\n    import {library}\n    READY = True\nexcept ImportError:\n    READY = False\n"

    assert mode_of(tmp_path, f"{attempt}def handler(payload):\n    return payload\n") != "gpu"


def test_what_is_made_once_is_made_whatever_a_setting_has_told_its_maker(tmp_path: Path) -> None:
    code = (
        'import os, torch\nDEVICE = os.environ.get("MY_DEVICE", "cuda")\nmodel = None\n'
        "def handler(payload):\n    global model\n    if model is None:\n"
        "        model = torch.nn.Linear(9, 9).to(DEVICE)\n    return model(payload)\n"
    )

    assert mode_of(tmp_path, code) == "gpu"


def test_a_device_that_a_request_may_name_is_a_possibility(tmp_path: Path) -> None:
    code = (
        'import torch\ndef handler(payload):\n    device = payload.get("device")\n    if device is not None:\n'
        "        return torch.ones(3).cuda()\n    return 1\n"
    )

    assert mode_of(tmp_path, code) == "cpu_preferred"
