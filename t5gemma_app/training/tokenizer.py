"""A small tokenizer in Gemma's style: byte-fallback BPE with Gemma's special tokens at Gemma's own ids.

Knows text only; refuses to know models. Merges never cross a word, a line or a punctuation mark, every digit is its own
piece, and every lower-case word piece has a twin in capital letters, so that upper case is a mapping of pieces. As with
Gemma's own, the character "▁" comes back as a space; every other text comes back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib import resources

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from transformers import GemmaTokenizer, PreTrainedTokenizerBase

from t5gemma_app.tasks.turns import BOS, END_OF_TURN, START_OF_TURN, Piece

PAD, EOS, UNK = "<pad>", "<eos>", "<unk>"
PAD_ID, EOS_ID, BOS_ID, UNK_ID, START_OF_TURN_ID, END_OF_TURN_ID = 0, 1, 2, 3, 106, 107
_FIXED = {
    PAD: PAD_ID, EOS: EOS_ID, BOS: BOS_ID, UNK: UNK_ID, START_OF_TURN: START_OF_TURN_ID, END_OF_TURN: END_OF_TURN_ID,
}  # fmt: skip
_SPACE = "▁"
_ALPHABET = [*(chr(code) for code in range(33, 127)), "\n", _SPACE]
# A word with the space before it, one digit, one mark, one line break: the stretches inside which pieces may grow.
_STRETCHES = Regex(r"▁?\p{L}+|\p{N}|\n|[^\p{L}\p{N}\n▁]|▁")


def chat_template() -> str:
    """Return the chat template: Gemma 2's turns, with a system message folded into the first user turn."""
    return (
        resources.files("t5gemma_app.training").joinpath("chat_template.jinja").read_text(encoding="utf-8").rstrip("\n")
    )


def train_tokenizer(texts: Iterable[str], pieces: int) -> GemmaTokenizer:
    """Learn `pieces` pieces from the texts, add their capital twins and wrap them as a Gemma tokenizer."""
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.Split(_STRETCHES, behavior="isolated")
    trainer = trainers.BpeTrainer(vocab_size=pieces, initial_alphabet=_ALPHABET, show_progress=False, special_tokens=[])
    learner.train_from_iterator((_softened(text).replace(" ", _SPACE) for text in texts), trainer)
    letters = _letters(learner)
    return _wrapped(_makeable(_with_twins(_learnt_merges(learner)), letters), letters)


def encode_pieces(tokenizer: PreTrainedTokenizerBase, pieces: Sequence[Piece]) -> list[int]:
    """Return the ids of a prompt that is written as pieces: markers as themselves, text as plain text."""
    ids: list[int] = []
    for piece in pieces:
        if piece.control:
            ids.append(_FIXED[piece.text])
        else:
            ids += tokenizer(piece.text, add_special_tokens=False)["input_ids"]
    return ids


def _softened(text: str) -> str:
    """Lower words that are all capitals, so that no merge of capitals is learnt beside the twins."""
    return " ".join(word.lower() if len(word) > 1 and word.isupper() else word for word in text.split(" "))


def _learnt_merges(learner: Tokenizer) -> list[tuple[str, str]]:
    state = json.loads(learner.to_str())["model"]
    return [tuple(merge) for merge in state["merges"]]


def _letters(learner: Tokenizer) -> list[str]:
    return sorted(piece for piece in learner.get_vocab() if len(piece) == 1)


def _with_twins(merges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Let each merge of one case be followed by its twin, so that both cases merge in the same order."""
    doubled: dict[tuple[str, str], None] = {}
    for left, right in merges:
        word = left + right
        lower, upper = word.lower(), word.upper()
        doubled.setdefault((left, right))
        if word in (lower, upper) and lower != upper and len(lower) == len(upper):
            doubled.setdefault((left.lower(), right.lower()))
            doubled.setdefault((left.upper(), right.upper()))
    return list(doubled)


def _makeable(merges: list[tuple[str, str]], letters: list[str]) -> list[tuple[str, str]]:
    """Leave out twins of which a letter never came up, such as the capital of a rare accented one."""
    while True:
        known = {*letters, *(left + right for left, right in merges)}
        kept = [(left, right) for left, right in merges if left in known and right in known]
        if len(kept) == len(merges):
            return kept
        merges = kept


def _wrapped(merges: list[tuple[str, str]], letters: list[str]) -> GemmaTokenizer:
    names = {identity: name for name, identity in _FIXED.items()}
    vocabulary = {names.get(index, f"<unused{index}>"): index for index in range(END_OF_TURN_ID + 1)}
    for piece in (*(f"<0x{byte:02X}>" for byte in range(256)), *letters, *(left + right for left, right in merges)):
        vocabulary.setdefault(piece, len(vocabulary))
    tokenizer = GemmaTokenizer(
        vocab=vocabulary,
        merges=merges,
        mask_token=None,
        add_bos_token=True,
        extra_special_tokens=[START_OF_TURN, END_OF_TURN],
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = chat_template()
    return tokenizer
