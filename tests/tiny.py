"""Small real checkpoints and a real Gemma-style tokenizer, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, normalizers
from tokenizers.models import BPE
from transformers import (
    T5Gemma2Config,
    T5Gemma2ForConditionalGeneration,
    T5Gemma2ForSequenceClassification,
    T5Gemma2ForTokenClassification,
    T5GemmaConfig,
    T5GemmaEncoderModel,
    T5GemmaForConditionalGeneration,
    T5GemmaForSequenceClassification,
    T5GemmaForTokenClassification,
    T5GemmaModuleConfig,
)

SPECIALS = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "<start_of_turn>": 106, "<end_of_turn>": 107}
LETTERS = "▁\n!?.,'-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
VOCABULARY = 512


def tiny_tokenizer() -> Tokenizer:
    """Return a byte-fallback BPE tokenizer with Gemma's special tokens at Gemma's ids."""
    vocabulary = dict(SPECIALS)
    for index in range(4, 106):
        vocabulary[f"<unused{index}>"] = index
    for byte in range(256):
        vocabulary[f"<0x{byte:02X}>"] = 108 + byte
    for letter in LETTERS:
        vocabulary[letter] = len(vocabulary)
    merges = [("t", "h"), ("th", "e"), ("▁", "the"), ("i", "n")]
    for left, right in merges:
        vocabulary[left + right] = len(vocabulary)
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=merges, byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIALS])
    return tokenizer


def tiny_stack(**changes: Any) -> T5GemmaModuleConfig:
    """Return a stack's configuration: two layers, grouped heads, a window that short texts exceed."""
    values: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "query_pre_attn_scalar": 16,
        "sliding_window": 6,
        "max_position_embeddings": 512,
        "eos_token_id": [1, 107],
    }
    return T5GemmaModuleConfig(**{**values, **changes})


def tiny_model(
    seed: int = 0, strength: float = 8.0, unbalanced: bool = True, encoder_window: int = 6, **top: Any
) -> Any:
    """Return a random model whose attention logits reach the cap and whose answers vary."""
    decoder = {"hidden_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1} if unbalanced else {}
    torch.manual_seed(seed)
    config = T5GemmaConfig(
        encoder=tiny_stack(num_hidden_layers=3, sliding_window=encoder_window),
        decoder=tiny_stack(**decoder),
        vocab_size=VOCABULARY,
        **top,
    )
    model = T5GemmaForConditionalGeneration(config).eval()
    _strengthen(model, strength)
    model.generation_config.update(
        bos_token_id=2, decoder_start_token_id=2, pad_token_id=0, eos_token_id=[1, 107], max_new_tokens=20
    )
    return model


def _strengthen(model: Any, strength: float) -> None:
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(strength * (4 if "q_proj" in name or "k_proj" in name else 1))


def tiny_model_2() -> Any:
    """Return a random T5Gemma 2."""
    torch.manual_seed(0)
    return T5Gemma2ForConditionalGeneration(_config_2()).eval()


def tiny_head_2(kind: str = "sequence", labels: tuple[str, ...] = ("bad", "good", "so-so")) -> Any:
    """Return a random T5Gemma 2 with a head: `sequence` or `token`."""
    torch.manual_seed(0)
    named = {"id2label": dict(enumerate(labels)), "label2id": {label: at for at, label in enumerate(labels)}}
    heads = {"sequence": T5Gemma2ForSequenceClassification, "token": T5Gemma2ForTokenClassification}
    model = heads[kind](_config_2(**named)).eval()
    _strengthen(model, 3.0)
    return model


def _config_2(**top: Any) -> T5Gemma2Config:
    text = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "sliding_window": 6,
        "layer_types": ["sliding_attention", "full_attention"],
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    return T5Gemma2Config(
        encoder={
            "text_config": text,
            "vision_config": vision,
            "mm_tokens_per_image": 4,
            "image_token_index": VOCABULARY - 1,
        },
        decoder=text,
        image_token_index=VOCABULARY - 1,
        **top,
    )


def tiny_head(
    kind: str = "sequence",
    labels: tuple[str, ...] = ("bad", "good", "so-so"),
    encoder_only: bool = True,
    seed: int = 0,
    **top: Any,
) -> Any:
    """Return a random model with a head: `sequence` or `token`; `encoder` has none."""
    torch.manual_seed(seed)
    config = T5GemmaConfig(
        encoder=tiny_stack(num_hidden_layers=3),
        decoder=tiny_stack(hidden_size=32, num_attention_heads=2, num_key_value_heads=1),
        vocab_size=VOCABULARY,
        is_encoder_decoder=not encoder_only,
        **({"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}} | top),
    )
    classes: dict[str, Any] = {
        "sequence": T5GemmaForSequenceClassification,
        "token": T5GemmaForTokenClassification,
        "encoder": T5GemmaEncoderModel,
    }
    model = classes[kind](config).eval()
    _strengthen(model, 3.0)
    return model


def save_tiny(folder: Path, model: Any | None = None, **options: Any) -> Path:
    """Write a checkpoint that the app can load: weights, configuration, tokenizer, chat template."""
    (model or tiny_model(**options)).save_pretrained(folder)
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": "<bos>",
                "eos_token": "<eos>",
                "pad_token": "<pad>",
                "unk_token": "<unk>",
            }
        ),
        encoding="utf-8",
    )
    (folder / "chat_template.jinja").write_text("{{ bos_token }}", encoding="utf-8")
    return folder
