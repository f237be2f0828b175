"""Invented names, so that copying is learnt for names nobody has listed.

Knows syllables only; every name lies on one side of the split by its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from t5gemma_app.training.demo.split import Split


def _syllables(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_STARTS = _syllables("""
Ba Be Bi Bo Bra Bre Ca Co Cri Da De Do Dra El Em Fa Fe Fi Flo Ga Ge Gla Gra Ha He Ho Il Is Ja Jo Ka Ke Ki Kor La Le Li
Lo Lu Ma Me Mi Mo Na Ne No Or Os Pa Pe Pi Po Pra Qua Ra Re Ro Ru Sa Se Shi So Sta Ta Te Ti To Tra Tu Ul Va Ve Vi Vo Wa
We Wi Xa Ya Yo Za Ze Zo
""")
_MIDDLES = _syllables("""
ba be bi bra ca cha da de di do dra fa fe ga gi go ka ke ki la le li lo lu ma me mi mo na ne ni no pa pe pi po ra re
ri ro sa se shi so sta ta te ti to tra va ve vi vo wa za ze zi
""")
_ENDS = _syllables("""
n r s l m nd rk th x na ra la sa ta ka ma ne le re se to no lo ro vo ia io eo us is os en an in on el er or ell ard
ens ick ish ock umb und ley ton by ville land stan mar via dor
""")
SHARE = 0.1


def _word(rng: Random) -> str:
    middles = rng.choices((0, 1, 2), (4, 5, 1))[0]
    return rng.choice(_STARTS) + "".join(rng.choice(_MIDDLES) for _ in range(middles)) + rng.choice(_ENDS)


def joined(rng: Random, words: Sequence[str]) -> str:
    """Join two words to one that is not listed, so that training copies the pieces of every word, kept back or not."""
    listed = {word.lower() for word in words}
    while True:
        word = rng.choice(words) + rng.choice(words).lower()
        if word.lower() not in listed:
            return word


def invented(rng: Random, split: Split) -> str:
    """Return an invented name of this side of the split."""
    while True:
        word = _word(rng)
        if split.takes("invented", word.lower(), SHARE):
            return word
