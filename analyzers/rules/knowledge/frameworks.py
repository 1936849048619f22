"""Libraries that compute on a CPU and on a GPU, with how much their use speaks for the GPU."""

from analyzers.lean.tables import by_word

FRAMEWORKS: dict[str, float] = by_word(
    {
        -0.3: "tensorflow",
        -0.2: "keras tf_keras",
        0.0: (
            "detoxify fastai flair keras_core keybert mxnet paddle sentence_transformers tensorflow_addons "
            "tensorflow_hub tensorflow_text"
        ),
        0.1: "stanza torchtext torchvision",
        0.2: "allennlp bertopic gliner optimum stable_baselines3 torch torchaudio transformers",
        0.3: (
            "chemprop ctranslate2 deepchem deepface docling doctr jax lightning optax pytorch_lightning timm "
            "torch_geometric"
        ),
        0.4: "clip happytransformer pyiqa simpletransformers",
        0.5: "accelerate dgl easyocr equinox flax haiku kornia lpips mobile_sam spleeter tinygrad vocos",
        0.6: "FlagEmbedding encodec open_clip paddleocr",
        0.7: "insightface",
        0.8: (
            "carvekit colbert espnet espnet2 fairseq kokoro mmengine monai ragatouille scvi speechbrain "
            "super_gradients taichi voicefixer"
        ),
        1.0: (
            "boxmot cellpose composer depth_anything facexlib funasr melo mmcv pynvml rfdetr transformers_gradio "
            "warp zoedepth"
        ),
        1.2: "audio_separator birefnet mmdet mmpose mmseg modelscope outlines refiners",
        1.4: "ultralytics yolov5 yolox",
        1.5: (
            "TTS basicsr basicvsr codeformer demucs depth_anything_3 detectron2 esm gfpgan groundingdino "
            "infinity_emb marker mmagic openvoice peft pyannote pyopencl pytorch3d realesrgan rvc_python "
            "segment_anything snac surya"
        ),
        1.7: "stable_whisper whisper whisper_timestamped",
        1.8: (
            "audiosep bpy faster_whisper lang_sam liveportrait magic_pdf mineru nemo nnunetv2 nougat openmm "
            "resemble_enhance sadtalker segment_anything_hq styletts2 totalsegmentator tsr"
        ),
        2.0: (
            "GPT_SoVITS audiosr bark binoculars chatterbox clip_interrogator compel controlnet_aux cosyvoice dust3r "
            "f5_tts fairscale fastchat fish_speech imaginairy indextts kaolin lavis mast3r min_dalle musetalk "
            "parler_tts point_e qwen_tts sam2 sam3 shap_e sparktts tortoise tritonserver trl vibevoice voxcpm "
            "whisperx zonos"
        ),
        2.5: (
            "acestep alphafold audiocraft boltz boltzgen chai_lab colabfold colossalai comfy comfy_cli hy3dgen "
            "insanely_fast_whisper instantmesh k_diffusion ldm llava minigpt4 mmaudio moshi nerfstudio openfold "
            "orpheus_tts qwen_vl_utils sgm stable_audio_tools trellis vggt videocrafter"
        ),
        3.0: "axolotl diffusers evo2 genmo hyvideo ltx_video megatron stable_diffusion_videos torchtune",
    }
)
"""Import name to weight: these run on a CPU and on a GPU; the weight says how rarely the former is enough."""

_HEAVY = 1.0
"""From this weight on, a dependency counts that no file imports: a command may use it. Others are often left over."""


def is_heavy(framework: str) -> bool:
    """Whether a framework is one that few functions serve well on a CPU."""
    return FRAMEWORKS.get(framework, 0.0) >= _HEAVY
