from __future__ import annotations

import random

import pytest
import torch
from safetensors.torch import load_file, save_file

from t5gemma_app.checkpoints.folder import check_files, read_folder
from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.types import GenerationRequest, HeadInput, Piece, ScoringRequest
from t5gemma_app.errors import BrokenCheckpointError, InputError
from tests.tiny import save_tiny, tiny_head, tiny_head_2, tiny_tokenizer

TEXTS = [f"the {word} number {n} " + "in the end " * (n % 7) for n, word in enumerate(["book", "day", "thing"] * 5)]
INPUTS = [HeadInput(text, pair) for text in TEXTS for pair in (None, "and the other")]


@pytest.fixture(scope="module", params=[True, False], ids=["encoder", "both"])
def whole(request):
    return request.param


@pytest.fixture(scope="module")
def sequence(tmp_path_factory, whole):
    folder = tmp_path_factory.mktemp("heads") / f"sequence-{whole}"
    return read_folder(save_tiny(folder, tiny_head(encoder_only=whole)))


@pytest.fixture(scope="module")
def token(tmp_path_factory, whole):
    folder = tmp_path_factory.mktemp("heads") / f"token-{whole}"
    return read_folder(save_tiny(folder, tiny_head("token", encoder_only=whole)))


def naive(checkpoint, ids):
    """One row through transformers; an encoder-decoder gets the column that its pooling asks for."""
    kind = "SequenceClassification" if checkpoint.head == "sequence" else "TokenClassification"
    import transformers

    family = "T5Gemma2" if checkpoint.family == "t5gemma2" else "T5Gemma"
    model = getattr(transformers, f"{family}For{kind}").from_pretrained(checkpoint.location).eval()
    extra = [0] if checkpoint.decoder and checkpoint.head == "sequence" else []
    with torch.inference_mode():
        logits = model(
            input_ids=torch.tensor([[*ids, *extra]]), attention_mask=torch.tensor([[1] * len(ids) + [0] * len(extra)])
        ).logits
    return logits[0]


def test_what_the_catalogue_knows_of_a_head(sequence, token, whole):
    assert (sequence.head, token.head) == ("sequence", "token")
    assert sequence.labels == ("bad", "good", "so-so")
    assert (sequence.decoder is None) == whole
    assert sequence.labels_named and not sequence.random_head and not sequence.chats
    check_files(sequence.location)


def test_a_sequence_head_says_what_transformers_says(engine, sequence):
    outputs = engine.classify(sequence, INPUTS[:4])
    for one, output in zip(INPUTS, outputs, strict=False):
        ids = engine.encoder(sequence).paired_ids(one.text, one.pair)
        assert output.tokens == len(ids)
        assert output.logits == pytest.approx(naive(sequence, ids).tolist(), abs=1e-5)


def test_a_token_head_says_what_transformers_says(engine, token):
    window = tuple(t.id for t in engine.tokens(token, "hello in the end"))
    (found,) = engine.tag(token, [window])
    assert torch.allclose(torch.tensor(found), naive(token, list(window)), atol=1e-5)


def test_heads_of_t5gemma_2_say_what_transformers_says(engine, tmp_path):
    sequence = read_folder(save_tiny(tmp_path / "sequence-2", tiny_head_2()))
    token = read_folder(save_tiny(tmp_path / "token-2", tiny_head_2("token")))
    assert (sequence.head, token.head, sequence.family) == ("sequence", "token", "t5gemma2")
    assert sequence.labels == token.labels == ("bad", "good", "so-so") and not sequence.random_head
    check_files(sequence.location)
    for one, output in zip(INPUTS[:6], engine.classify(sequence, INPUTS[:6]), strict=True):
        expected = naive(sequence, engine.encoder(sequence).paired_ids(one.text, one.pair))
        assert output.logits == pytest.approx(expected.tolist(), abs=1e-5)
    windows = [tuple(t.id for t in engine.tokens(token, text)) for text in TEXTS[:6]]
    for window, found in zip(windows, engine.tag(token, windows), strict=True):
        assert torch.allclose(torch.tensor(found), naive(token, list(window)), atol=1e-5)


@pytest.mark.parametrize("budget", [1, 90, 100_000])
def test_padding_and_batches_change_nothing(engine, sequence, token, budget):
    alone = [engine.classify(sequence, [one], urgent=True)[0] for one in INPUTS[:6]]
    shuffled = INPUTS[:]
    random.Random(2).shuffle(shuffled)
    together = dict(zip(shuffled, engine.classify(sequence, shuffled, budget=budget), strict=True))
    for one, output in zip(INPUTS, alone, strict=False):
        assert together[one].logits == pytest.approx(output.logits, abs=1e-5)
    windows = [tuple(t.id for t in engine.tokens(token, text)) for text in TEXTS]
    batch = engine.tag(token, windows, budget=budget)
    for window, found in zip(windows[:4], batch, strict=False):
        (single,) = engine.tag(token, [window])
        assert len(found) == len(window)
        assert torch.allclose(torch.tensor(found), torch.tensor(single), atol=1e-5)


def test_what_is_too_long_is_left_out_and_its_neighbours_are_not(engine, sequence, token):
    long, short = engine.classify(sequence, [HeadInput("x" * 900), HeadInput("x")])
    assert long.logits == () and long.tokens == 900
    assert len(short.logits) == 3
    assert [len(found) for found in engine.tag(token, [(150,) * 900, (150, 151)])] == [0, 2]
    assert engine.classify(sequence, []) == engine.tag(token, []) == []


def test_the_end_of_the_first_text_is_cut_where_a_length_is_named(engine, sequence):
    longest = engine.encoder(sequence).paired_ids("x" * 40, "y")
    cut, same, alone, short = engine.classify(
        sequence,
        [
            HeadInput("x" * 900, "y", longest=len(longest)),
            HeadInput("x" * 40, "y"),
            HeadInput("x" * 900, longest=20),
            HeadInput("x", "y", longest=20),
        ],
    )
    assert (cut.tokens, alone.tokens) == (len(longest), 20)
    assert cut.logits == pytest.approx(same.logits, abs=1e-5)
    assert short.logits == pytest.approx(engine.classify(sequence, [HeadInput("x", "y")])[0].logits, abs=1e-5)


def test_a_head_is_asked_for_what_it_does_only(engine, sequence, token, tiny):
    with pytest.raises(InputError, match="token head"):
        engine.classify(token, [HeadInput("x")])
    with pytest.raises(InputError, match="writes text"):
        engine.tag(tiny, [(1,)])
    with pytest.raises(InputError, match="sequence head"):
        engine.score(sequence, [ScoringRequest("x", ("y",))])
    with pytest.raises(InputError, match="sequence head"):
        list(engine.generate(GenerationRequest(sequence, (Piece("x"),))))


def test_an_encoder_alone_is_read_and_loaded(engine, tmp_path):
    checkpoint = read_folder(save_tiny(tmp_path / "encoder", tiny_head("encoder")))
    assert (checkpoint.head, checkpoint.decoder, checkpoint.labels) == ("encoder", None, ())
    assert not checkpoint.chats
    check_files(checkpoint.location)
    list(engine.load(checkpoint))
    assert engine.unload(checkpoint.name)


def test_a_head_without_weights_is_known_and_the_same_each_time(engine, tmp_path):
    folder = save_tiny(tmp_path / "headless", tiny_head())
    path = folder / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(path).items() if not name.startswith("score.")}
    save_file(kept, path, metadata={"format": "pt"})
    checkpoint = read_folder(folder)
    assert checkpoint.random_head
    with pytest.raises(BrokenCheckpointError, match="score"):
        check_files(folder)
    first = engine.classify(checkpoint, [HeadInput("hello")])
    engine.unload(checkpoint.name)
    assert engine.classify(checkpoint, [HeadInput("hello")]) == first


def test_labels_and_kinds_are_read_from_the_configuration(tmp_path):
    nameless = read_folder(save_tiny(tmp_path / "a", tiny_head(labels=("LABEL_0", "LABEL_1"), id2label=None)))
    assert not nameless.labels_named and nameless.labels == ("LABEL_0", "LABEL_1")
    several = read_folder(save_tiny(tmp_path / "b", tiny_head(problem_type="multi_label_classification")))
    assert several.problem == "several"
    number = read_folder(save_tiny(tmp_path / "c", tiny_head(labels=("stars",))))
    assert number.problem == "number"


def test_pairs_are_joined_as_the_tokenizer_does_or_by_a_line_feed():
    from tokenizers.processors import TemplateProcessing

    plain = TextEncoder(tiny_tokenizer())
    assert plain.paired_ids("a", "in") == [*plain.text_ids("a"), *plain.text_ids("\n"), *plain.text_ids("in")]
    tokenizer = tiny_tokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <eos> $B <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)]
    )
    joined = TextEncoder(tokenizer)
    assert joined.paired_ids("the a", "in <eos>") == [
        2,
        *plain.text_ids("the a"),
        1,
        *plain.text_ids("in <eos>"),
        1,
    ]
    assert joined.paired_ids("a") == [2, *plain.text_ids("a")]


def test_tokens_know_their_places():
    encoder = TextEncoder(tiny_tokenizer())
    text = "in the <eos> é end"
    tokens = encoder.tokens(text)
    assert [token.id for token in tokens] == encoder.text_ids(text)
    assert all(t.piece.replace("▁", " ") == text[t.start : t.end] for t in tokens if not t.piece.startswith("<0x"))
    assert {text[t.start : t.end] for t in tokens if t.piece.startswith("<0x")} == {"<", ">", "é"}
