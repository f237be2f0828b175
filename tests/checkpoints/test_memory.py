from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.checkpoints.catalogue import google_checkpoints, hub_checkpoint
from t5gemma_app.checkpoints.memory import LARGEST_ORDERED, estimate_memory, in_words, need_of
from t5gemma_app.checkpoints.placement import DTYPE_BYTES
from t5gemma_app.errors import CheckpointError

BY_NAME = {checkpoint.name: checkpoint for checkpoint in google_checkpoints()}
SMALL = BY_NAME["t5gemma-s-s-prefixlm-it"]


def test_the_parts_of_the_smallest_checkpoint() -> None:
    estimate = estimate_memory(SMALL, "float32", prompt_tokens=1000, answer_tokens=100)
    assert estimate.weights == 312_517_632 * 4
    assert estimate.self_cache == 2 * 8 * 64 * 8 * 100 * 4
    assert estimate.cross_cache == 2 * 8 * 64 * 8 * 1000 * 4
    assert estimate.total == estimate.checkpoint + estimate.runtime


def test_caches_are_as_large_as_transformers_makes_them() -> None:
    torch = pytest.importorskip("torch")
    from transformers import T5GemmaConfig, T5GemmaForConditionalGeneration

    from t5gemma_app.checkpoints.folder import Checkpoint
    from t5gemma_app.checkpoints.parameters import count_parameters
    from t5gemma_app.checkpoints.sizes import t5gemma_config_dict
    from tests.checkpoints.files import TINY, WIDE

    torch.manual_seed(0)
    config = T5GemmaConfig(**t5gemma_config_dict(WIDE, TINY), attn_implementation="eager")
    model = T5GemmaForConditionalGeneration(config).eval()
    ids = torch.randint(3, 97, (2, 11))
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, min_new_tokens=40, do_sample=False,
        return_dict_in_generate=True,
    )  # fmt: skip

    def size(cache: object) -> int:
        return sum(t.numel() * t.element_size() for layer in cache.layers for t in (layer.keys, layer.values))

    checkpoint = Checkpoint(
        name="x", source="local", location="x", encoder=WIDE, decoder=TINY, parameters=count_parameters(WIDE, TINY)
    )
    cache = out.past_key_values
    # The last token is not fed again; a sliding layer keeps one position less than its window between steps.
    estimate = estimate_memory(checkpoint, "float32", prompt_tokens=11, answer_tokens=40, batch=2)
    assert estimate.cross_cache == size(cache.cross_attention_cache)
    per_token = 2 * 2 * TINY.kv_heads * TINY.head_dim * 4
    assert 0 <= estimate.self_cache - size(cache.self_attention_cache) <= per_token * TINY.layers


def test_a_longer_answer_fills_full_layers_only() -> None:
    decoder = SMALL.decoder
    assert decoder is not None
    at_window = estimate_memory(SMALL, "bfloat16", answer_tokens=decoder.window).self_cache
    beyond = estimate_memory(SMALL, "bfloat16", answer_tokens=decoder.window + 10).self_cache
    full = decoder.layers - decoder.sliding_layers
    assert beyond - at_window == 2 * decoder.kv_heads * decoder.head_dim * full * 10 * 2


def test_the_output_table_is_kept_a_second_time_only_where_it_is_screened() -> None:
    assert estimate_memory(SMALL, "float32").screen == 256_000 * (512 + 12)
    assert estimate_memory(SMALL, "bfloat16").screen == 0
    assert estimate_memory(SMALL, "float32", device_kind="cuda").screen == 0


def test_layers_are_kept_a_second_time_where_they_are_neither_small_nor_large() -> None:
    parts = SMALL.parameters
    assert parts is not None
    layers = 4 * (parts.encoder + parts.decoder + parts.cross_attention)
    assert estimate_memory(SMALL, "float32").ordered == layers <= LARGEST_ORDERED
    assert estimate_memory(SMALL, "bfloat16").ordered == 0
    assert estimate_memory(SMALL, "float32", device_kind="cuda").ordered == 0
    assert SMALL.encoder is not None and SMALL.decoder is not None
    narrow = [replace(stack, hidden=256, intermediate=512) for stack in (SMALL.encoder, SMALL.decoder)]
    small = replace(SMALL, encoder=narrow[0], decoder=narrow[1])
    assert estimate_memory(small, "float32").ordered == 0
    large = replace(SMALL, parameters=replace(parts, encoder=LARGEST_ORDERED // 4 + 1))
    assert estimate_memory(large, "float32").ordered == 0


def test_a_classifier_holds_no_caches() -> None:
    classifier = replace(SMALL, head="sequence", decoder=None)
    estimate = estimate_memory(classifier, "float32")
    assert (estimate.self_cache, estimate.cross_cache, estimate.logits) == (0, 0, 0)
    assert estimate.activations > 0
    assert need_of(classifier).head_dim == 64


@given(
    name=st.sampled_from(sorted(BY_NAME)),
    dtype=st.sampled_from(sorted(DTYPE_BYTES)),
    prompt=st.integers(1, 8192),
    answer=st.integers(1, 8192),
    batch=st.integers(1, 64),
    kind=st.sampled_from(["cpu", "cuda", "mps"]),
)
def test_more_of_anything_never_takes_less(
    name: str, dtype: str, prompt: int, answer: int, batch: int, kind: str
) -> None:
    checkpoint = BY_NAME[name]
    base = estimate_memory(checkpoint, dtype, prompt, answer, batch, kind)
    assert base.total > base.weights > 0
    for longer in ((prompt + 1, answer, batch), (prompt, answer + 1, batch), (prompt, answer, batch + 1)):
        assert estimate_memory(checkpoint, dtype, *longer, kind).total >= base.total
    need = need_of(checkpoint, prompt, answer, batch, kind)
    assert need.bytes_by_dtype[dtype] == base.total - base.runtime
    assert need.softcap == need.flash_family == (checkpoint.family == "t5gemma")


def test_what_was_not_read_yet_has_no_estimate() -> None:
    with pytest.raises(CheckpointError, match="somebody/poems is not known yet"):
        estimate_memory(hub_checkpoint("somebody/poems"), "float32")
    with pytest.raises(CheckpointError):
        need_of(hub_checkpoint("somebody/poems"))


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_254_321, "1.3 MB"), (812_000_000, "812 MB"),
     (999_700_000, "1.0 GB"), (1_310_000_000, "1.3 GB"), (40_666_802_176, "40.7 GB"), (2 * 10**12, "2.0 TB")],
)  # fmt: skip
def test_bytes_in_words(size: int, words: str) -> None:
    assert in_words(size) == words
