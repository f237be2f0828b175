"""Every number of the family: sizes, texts, steps, rates. A recipe takes fixed steps, never a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from t5gemma_app.training.demo.recipe import LARGEST_FILE, SEED
from t5gemma_app.training.family.sources import EWT, SST2, TREC, WNUT
from t5gemma_app.training.fresh import Shape
from t5gemma_app.training.plan import Plan

SHARD_BYTES = int(LARGEST_FILE.removesuffix("MB")) * 1_000_000

PAIRS = ("s-s", "l-l", "l-s", "s-l")
"""Encoder and decoder of each combination."""

TEXTS = (
    "text/fairytales.txt", "text/african-storybook.txt", "text/wordnet-examples.txt", "text/sotu-1900-on.txt",
    "chat/chatterbot.jsonl", "chat/personality-friend.jsonl", "chat/facts-cc0.jsonl", "chat/self-instruct-seeds.jsonl",
    "chat/wordnet-definitions.jsonl", "chat/wordnet-opposites.jsonl", "chat/wordnet-kinds.jsonl",
    f"{EWT}/train.jsonl", f"{WNUT}/train.jsonl",
)  # fmt: skip
"""What every member reads first. Verse and ornate prose would take a third of so short a run, and are left out."""

PASSAGES = ("boolq", "copa", "wsc")
"""SuperGLUE tasks whose training passages are read too: those whose licence lets everybody use them for anything."""


@dataclass(frozen=True, slots=True)
class Member:
    """A decoder-only model that the combinations are made of."""

    letter: str
    shape: Shape
    plan: Plan


@dataclass(frozen=True, slots=True)
class Beginning:
    """A new encoder for one head: as large as its combination's, with word pieces learnt from the head's own rows."""

    pieces: int
    texts: tuple[str, ...]
    """Files in the data folder, besides the head's own training rows."""
    plan: Plan


@dataclass(frozen=True, slots=True)
class Head:
    """A task that an encoder is taught."""

    name: str
    task: str
    plan: Plan
    train: str = ""
    """File in the data folder; empty for SuperGLUE."""
    evaluation: str = ""
    """The same; empty holds a tenth of the training rows out."""
    labels: tuple[tuple[str, str], ...] = ()
    """The file's labels with the names that they get."""
    after: str = ""
    """Another head of the same combination whose encoder it begins with."""
    limit: int | None = None
    beginning: Beginning | None = None
    """What it begins with in place of its combination's encoder."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a family is made."""

    seed: int
    pieces: int
    """Pieces that the tokenizer learns; their twins in capital letters come on top."""
    members: tuple[Member, ...]
    warm_up_steps: int
    """Steps in which a new cross-attention is trained alone."""
    denoising: Plan
    """How a new combination is trained with UL2."""
    chat_rows: int
    chat: Plan
    heads: tuple[Head, ...]
    head_pairs: tuple[str, ...]
    """The combinations that get all heads."""
    superglue: tuple[Head, ...]
    share: float = 0.01
    """What is held out of the texts, and of the chat rows, to evaluate on."""
    measured: int = 1
    """Of how many held-out chat prompts one is answered."""
    pairs: tuple[str, ...] = PAIRS
    rows: int | None = None
    """What is taken of each file of the data folder; None takes all."""


_CORE = Plan(seed=SEED, optimiser="muon", clip=1.0, warm_up=0.06, weight_decay=0.02)
_SMALL = Shape(hidden=128, intermediate=384, heads=4, encoder_layers=3, decoder_layers=3)
_LARGE = Shape(hidden=192, intermediate=512, heads=4, encoder_layers=4, decoder_layers=4)
_READING = replace(_CORE, batch_rows=16, longest=128, rate=3e-3, matrix_rate=0.015, dropout=0.0, evaluate_every=500)
_BODY = replace(_CORE, optimiser="adamw", rate=1.5e-3, weight_decay=0.05, warm_up=0.1)
# AdamW stays at the commonest label for hundreds of steps where few rows or vague ones teach a whole encoder.
_MUON = replace(_CORE, rate=3e-3, matrix_rate=0.01, weight_decay=0.05, warm_up=0.1)


def _superglue(name: str, epochs: float, longest: int, limit: int | None = None) -> Head:
    plan = replace(_MUON, epochs=epochs, longest=longest, batch_rows=16, dropout=0.2, word_dropout=0.1)
    return Head(name, f"superglue:{name}", plan, limit=limit)


_HEADS = (
    Head(
        "sst2",
        "classify",
        replace(_MUON, epochs=6, longest=96, dropout=0.2, word_dropout=0.2, consistency=2.0),
        f"{SST2}/train.jsonl",
        f"{SST2}/dev.jsonl",
        labels=(("0", "negative"), ("1", "positive")),
        # Reviews have words that the family's 3,000 pieces cut up, and what it read before is of no use to them; so
        # this one takes a single step with its texts, which is to say none.
        beginning=Beginning(
            pieces=8000,
            texts=("text/fairytales.txt", "text/wordnet-examples.txt", f"{EWT}/train.jsonl"),
            plan=replace(_READING, steps=1, batch_rows=4, longest=96, evaluate_every=None),
        ),
    ),
    Head(
        "trec",
        "classify",
        replace(_BODY, epochs=10, longest=64, dropout=0.2, word_dropout=0.1),
        f"{TREC}/train.jsonl",
        labels=(
            ("ABBR", "abbreviation"),
            ("DESC", "description"),
            ("ENTY", "entity"),
            ("HUM", "person"),
            ("LOC", "place"),
            ("NUM", "number"),
        ),
    ),
    Head(
        "upos",
        "tag",
        replace(_CORE, epochs=4, longest=128, rate=4e-3, matrix_rate=0.015, dropout=0.1, word_dropout=0.05),
        f"{EWT}/train.jsonl",
        f"{EWT}/dev.jsonl",
    ),
    Head(
        "entities",
        "tag",
        replace(_BODY, epochs=8, longest=128, rate=1e-3, dropout=0.2, word_dropout=0.1),
        f"{WNUT}/train.jsonl",
        f"{WNUT}/dev.jsonl",
        after="upos",
    ),
)

FULL = Recipe(
    seed=SEED,
    pieces=3000,
    members=(
        Member("s", _SMALL, replace(_READING, steps=1050)),
        Member("l", _LARGE, replace(_READING, steps=1200)),
    ),
    warm_up_steps=50,
    denoising=replace(_READING, steps=300, longest=192, rate=2e-3, matrix_rate=0.01, evaluate_every=150),
    chat_rows=384_000,
    chat=replace(
        _CORE, epochs=1, batch_rows=64, longest=256, rate=3e-3, matrix_rate=6e-3, dropout=0.0, evaluate_every=500
    ),
    heads=_HEADS,
    head_pairs=("l-l",),
    superglue=(
        _superglue("cb", 8, 160),
        _superglue("copa", 4, 64),
        _superglue("wsc", 4, 96),
        _superglue("rte", 3, 128),
        _superglue("wic", 2, 64),
        _superglue("boolq", 1, 160),
        _superglue("multirc", 1, 160, limit=2000),
    ),
)
"""The family as it is made in earnest."""


def _brief(plan: Plan, steps: int = 2) -> Plan:
    return replace(plan, steps=steps, batch_rows=4, longest=24, evaluate_every=None, warm_up=0.0)


_NANO = Shape(hidden=16, intermediate=24, heads=2, encoder_layers=1, decoder_layers=1)

QUICK = replace(
    FULL,
    pieces=400,
    members=tuple(
        replace(member, shape=replace(_NANO, hidden=hidden), plan=_brief(member.plan))
        for member, hidden in zip(FULL.members, (16, 24), strict=True)
    ),
    warm_up_steps=1,
    denoising=_brief(FULL.denoising),
    chat_rows=24,
    chat=replace(_brief(FULL.chat), longest=400),
    heads=tuple(
        replace(
            head,
            plan=_brief(head.plan),
            beginning=head.beginning and replace(head.beginning, pieces=400, plan=_brief(head.beginning.plan)),
        )
        for head in FULL.heads
    ),
    superglue=tuple(replace(head, plan=_brief(head.plan), limit=None) for head in FULL.superglue),
    measured=100,
    rows=8,
)
"""The same steps with next to nothing in them, to see that all of them work."""
