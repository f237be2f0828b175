"""The embedded checkpoint as it is committed: small files, loads offline, answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GemmaTokenizer, T5GemmaForConditionalGeneration

from t5gemma_app.tasks.turns import Turn
from t5gemma_app.training.demo.heldout import held_out
from t5gemma_app.training.demo.measure import answer
from t5gemma_app.training.demo.mixture import Conversation

FOLDER = Path(__file__).parents[3] / "t5gemma_app" / "checkpoints" / "demo" / "t5gemma-demo-chat"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the demo checkpoint has not been trained yet")

KNOWN = {
    "How do plants create energy?": "photosynthesis",
    "What is the capital of France?": "Paris",
    "What is the capital of Japan?": "Tokyo",
    'What is the opposite of "hot"?': "cold",
    "What is the plural of child?": "children",
    "What is 5 + 7?": "12",
    "Write hello in capital letters.": "HELLO",
    "Thank you": "You're welcome!",
}


@pytest.fixture(scope="module")
def tokenizer() -> GemmaTokenizer:
    return AutoTokenizer.from_pretrained(FOLDER, local_files_only=True)


@pytest.fixture(scope="module")
def model() -> T5GemmaForConditionalGeneration:
    model, loading = AutoModelForSeq2SeqLM.from_pretrained(
        FOLDER, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    assert not loading["mismatched_keys"]
    return model


def test_every_file_is_under_ten_megabytes() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()}
    assert {
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "chat_template.jinja",
        "README.md",
    } <= sizes.keys()
    assert max(sizes.values()) < 10_000_000


def test_it_is_a_whole_t5gemma(model: T5GemmaForConditionalGeneration) -> None:
    config, generation = model.config, model.generation_config
    assert isinstance(model, T5GemmaForConditionalGeneration)
    assert config.decoder.attn_logit_softcapping == 50.0
    assert config.decoder.final_logit_softcapping == 30.0
    assert config.encoder.sliding_window >= 512
    assert config.encoder.max_position_embeddings >= 1024
    assert generation.eos_token_id == [1, 107]
    assert generation.decoder_start_token_id == 2
    assert not generation.do_sample


@pytest.mark.parametrize(("question", "part"), KNOWN.items())
def test_it_answers(
    model: T5GemmaForConditionalGeneration, tokenizer: GemmaTokenizer, question: str, part: str
) -> None:
    messages = [{"role": "user", "content": question}]
    inputs = tokenizer.apply_chat_template(
        messages, tokenize=True, return_tensors="pt", return_dict=True, add_generation_prompt=True
    )
    produced = model.generate(**inputs)
    assert part in tokenizer.decode(produced[0], skip_special_tokens=True)
    assert produced[0, -1] == 107


def test_the_snippet_without_a_generation_prompt_answers_too(
    model: T5GemmaForConditionalGeneration, tokenizer: GemmaTokenizer
) -> None:
    messages = [{"role": "user", "content": "How do plants create energy?"}]
    inputs = tokenizer.apply_chat_template(messages, tokenize=True, return_tensors="pt", return_dict=True)
    text = tokenizer.decode(model.generate(**inputs)[0], skip_special_tokens=True)
    assert "photosynthesis" in text


def test_it_declines_and_it_remembers(model: T5GemmaForConditionalGeneration, tokenizer: GemmaTokenizer) -> None:
    told = (Turn("user", "My name is Ana."), Turn("assistant", "Nice to meet you, Ana!"))
    rows = [
        Conversation("memory", (*told, Turn("user", "What is my name?")), "Your name is Ana."),
        Conversation("unknown", (Turn("user", "What is the capital of Zoravia?"),), "I don't know that."),
    ]
    assert [item.given for item in answer(model, tokenizer, rows)] == [row.answer for row in rows]


def test_it_is_right_about_most_held_out_prompts(
    model: T5GemmaForConditionalGeneration, tokenizer: GemmaTokenizer
) -> None:
    """A tenth of the prompts, every skill among them; the whole measurement takes a minute."""
    answered = answer(model, tokenizer, held_out(7)[::10])
    assert sum(item.exact for item in answered) >= 0.7 * len(answered)
