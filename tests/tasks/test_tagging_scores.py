"""Scores through the app's tagging equal scores of a plain loop over words around transformers' own model."""

from __future__ import annotations

import pytest
import torch
from transformers import T5GemmaForTokenClassification

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.settings import Settings
from t5gemma_app.tasks.tagging import Tagger, text_input, token_input
from tests.tasks.test_spans import conll_chunks
from tests.tiny import save_tiny, tiny_head, tiny_tokenizer

ENTITIES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
UPOS = ("NOUN", "VERB", "ADJ", "PUNCT", "PRON")
ROWS = [
    "Mia and Jon Bell walked from Oslo to Bergen .",
    "The ferry to Rio was late again , said Ana-Maria 😀 !",
    "It rained in São Paulo all day",
    "Nobody knew why the old lighthouse keeper's dog had run off in the night",
    "Lima",
]


@pytest.fixture(scope="module")
def engine():
    engine = LocalEngine(Settings(offline=True))
    yield engine
    engine.close()


def saved(folder, labels, seed=0):
    return save_tiny(folder / folder.name, tiny_head("token", labels, seed=seed))  # loaded under a name of its own


def plain_loop(folder, rows):
    """One row at a time, one word after the other, read at the first piece that has a letter of the word."""
    model = T5GemmaForTokenClassification.from_pretrained(folder, is_encoder_decoder=False).eval()
    tokenizer, tags = tiny_tokenizer(), []
    for row in rows:
        ids, firsts = [], []
        for number, word in enumerate(row.split()):
            own = tokenizer.encode(f" {word}" if number else word, add_special_tokens=False)
            firsts.append(len(ids) + next(at for at, piece in enumerate(own.tokens) if piece != "▁"))
            ids += own.ids
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids))).logits[0]
        tags.append([model.config.id2label[int(logits[first].argmax())] for first in firsts])
    return tags


def gold_from(tags, labels):
    """Return made-up gold tags that agree with predictions at two words of three."""
    return [
        [tag if at % 3 else labels[(at // 3 + len(row)) % len(labels)] for at, tag in enumerate(row)] for row in tags
    ]


def f1(found, gold):
    hits = sum(len(set(a) & set(b)) for a, b in zip(found, gold, strict=True))
    return 2 * hits / (sum(map(len, found)) + sum(map(len, gold)))


def test_entity_f1_is_that_of_a_plain_loop(engine, tmp_path):
    folder = saved(tmp_path, ENTITIES, seed=3)
    expected = plain_loop(folder, ROWS)
    gold = gold_from(expected, ENTITIES)
    tagged = Tagger(engine).tag(read_folder(folder), [token_input(row.split()) for row in ROWS])
    assert [list(one.tags) for one in tagged] == expected
    places = [{word.start: at for at, word in enumerate(one.words)} for one in tagged]
    ends = [{word.end: at + 1 for at, word in enumerate(one.words)} for one in tagged]
    spans = [
        [(start[s.start], end[s.end], s.label) for s in one.spans]
        for one, start, end in zip(tagged, places, ends, strict=True)
    ]
    through_app = f1(spans, [conll_chunks(tags) for tags in gold])
    by_loop = f1([conll_chunks(tags) for tags in expected], [conll_chunks(tags) for tags in gold])
    assert through_app == by_loop
    assert 0 < through_app < 1


def test_upos_accuracy_is_that_of_a_plain_loop(engine, tmp_path):
    folder = saved(tmp_path, UPOS)
    expected = plain_loop(folder, ROWS)
    gold = [tag for row in gold_from(expected, UPOS) for tag in row]
    tagged = Tagger(engine).tag(read_folder(folder), [token_input(row.split()) for row in ROWS], urgent=True)
    found = [tag for one in tagged for tag in one.tags]
    looped = [tag for row in expected for tag in row]
    through_app, by_loop = (
        sum(tag == wanted for tag, wanted in zip(tags, gold, strict=True)) / len(gold) for tags in (found, looped)
    )
    assert through_app == by_loop
    assert 0 < through_app < 1


def test_a_text_and_its_words_are_tagged_alike_where_blanks_part_them(engine, tmp_path):
    checkpoint = read_folder(saved(tmp_path, ENTITIES))
    row = "Mia met Jon in Oslo today"
    (text,) = Tagger(engine).tag(checkpoint, [text_input(row)])
    (words,) = Tagger(engine).tag(checkpoint, [token_input(row.split())])
    assert text == words


def test_a_long_text_is_tagged_in_windows_of_the_real_engine(engine, tmp_path):
    checkpoint = read_folder(saved(tmp_path, ENTITIES))
    (tagged,) = Tagger(engine).tag(checkpoint, [text_input("Mia met Jon in Oslo. " * 60)])
    assert tagged.windows == 3 and len(tagged.words) == 60 * 6
    assert all(0.2 <= word.score <= 1 for word in tagged.words)
