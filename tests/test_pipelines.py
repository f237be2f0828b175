from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM

from t5gemma_app.engine.encode import TextEncoder, TextStream
from t5gemma_app.errors import InputError, SettingsError, StoppedError, UnknownCheckpointError, WorkbenchError
from t5gemma_app.pipelines import Text2TextGeneration, pipeline
from t5gemma_app.tasks.turns import Turn, write_turns
from tests.tiny import save_tiny

HELLO = [{"role": "user", "content": "the cat sat in the sun"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="module")
def tiny(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Text2TextGeneration]:
    with pipeline("text2text-generation", model=str(folder), data_dir=tmp_path_factory.mktemp("data")) as made:
        yield made


def test_the_answer_is_that_of_transformers_own_generate(tiny: Text2TextGeneration, folder: Path) -> None:
    encoder = TextEncoder.from_folder(folder)
    ids = torch.tensor([encoder.ids(write_turns([Turn("user", HELLO[0]["content"])]))])
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    produced = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=20)
    (answer,) = tiny(HELLO, max_new_tokens=20)
    stream = TextStream(encoder)
    assert answer == {"generated_text": "".join(map(stream.push, produced[0].tolist())) + stream.finish()}
    assert answer["generated_text"]


def test_a_text_is_a_conversation_of_one_message(tiny: Text2TextGeneration) -> None:
    assert tiny(HELLO[0]["content"], max_new_tokens=8) == tiny(HELLO, max_new_tokens=8)


def test_many_prompts_are_answered_as_each_alone(tiny: Text2TextGeneration) -> None:
    other = [{"role": "system", "content": "be kind"}, {"role": "user", "content": [{"type": "text", "text": "hi"}]}]
    prompts = [HELLO, "a much longer text " * 5, other]
    together = tiny(prompts, max_new_tokens=8, batch=2)
    assert together == [tiny(prompt, max_new_tokens=8)[0] for prompt in prompts]
    assert len({answer["generated_text"] for answer in together}) > 1
    assert tiny([]) == []


def test_the_system_message_is_folded_into_the_first_user_message(tiny: Text2TextGeneration) -> None:
    folded = [{"role": "user", "content": "be kind\n\nhi"}]
    apart = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]
    assert tiny(apart, max_new_tokens=8) == tiny(folded, max_new_tokens=8)


def test_sampling_follows_the_seed(tiny: Text2TextGeneration) -> None:
    def draw(seed: int) -> str:
        return tiny(HELLO, do_sample=True, temperature=2.0, top_k=50, top_p=0.99, seed=seed, max_new_tokens=12)[0][
            "generated_text"
        ]

    assert draw(3) == draw(3)
    assert len({draw(seed) for seed in range(4)}) > 1


def test_a_templated_text_is_warned_of(tiny: Text2TextGeneration) -> None:
    with pytest.warns(UserWarning, match="Pass the messages themselves"):
        tiny("<bos><start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n", max_new_tokens=1)


@pytest.mark.parametrize(
    ("prompt", "options", "says"),
    [
        ("", {}, "message is empty"),
        (7, {}, "can't be of type int"),
        ([7], {}, "can't be '7'"),
        ([{"role": "tool", "content": "x"}], {}, "Message 1 has the role 'tool'"),
        ([{"role": "user", "content": "x"}, {"role": "system", "content": "y"}], {}, "Message 2 has the role"),
        ([{"role": "user", "content": None}], {}, "content can't be 'None'"),
        ([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}], {}, "must be the user's"),
        ("hi", {"temperature": 0.5}, "temperature has no effect.*do_sample=True"),
        ("hi", {"temperature": 0.0, "do_sample": True}, "temperature is 0"),
        ("hi", {"top_p": 2.0, "do_sample": True}, "top_p is 2"),
        ("hi", {"max_new_tokens": 0}, "max_new_tokens is 0"),
        ("hi", {"batch": 0}, "batch is 0"),
    ],
)
def test_what_can_not_be_used_is_named(tiny: Text2TextGeneration, prompt: object, options: dict, says: str) -> None:
    with pytest.raises(InputError, match=f"(?s){says}"):
        tiny(prompt, **options)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"task": "summarization"}, InputError, "'summarization' is not offered. It is one of: text2text-generation"),
        ({"model": "no-such-model"}, UnknownCheckpointError, "no checkpoint 'no-such-model'"),
        ({"devise": "cpu"}, InputError, "no setting 'devise'. Did you mean device"),
        ({"dtype": "int3"}, SettingsError, "T5GEMMA_DTYPE is 'int3'"),
        ({"threads": 0}, SettingsError, "T5GEMMA_THREADS is '0'"),
    ],
)
def test_what_can_not_be_loaded_is_named(tmp_path: Path, options: dict, error: type[WorkbenchError], says: str) -> None:
    with pytest.raises(error, match=says):
        pipeline(**{"data_dir": tmp_path, **options})


def test_torchs_own_formats_are_taken_and_a_closed_pipeline_says_so(folder: Path, tmp_path: Path) -> None:
    with pipeline(model=str(folder), dtype=torch.bfloat16, data_dir=tmp_path) as made:
        (loaded,) = made.services.engine.status().loaded
        assert loaded.placement.dtype == "bfloat16"
    with pytest.raises(StoppedError):
        made(HELLO)


def test_the_embedded_checkpoint_answers_by_default(tmp_path: Path) -> None:
    with pipeline(data_dir=tmp_path) as made:
        (answer,) = made(made.checkpoint.examples[0] if made.checkpoint.examples else "Hello")
    assert answer["generated_text"].strip()
