"""Nouns and their plurals: irregular ones spelt out, regular ones by rule."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

_IRREGULAR = """
child children, man men, woman women, foot feet, tooth teeth, goose geese, mouse mice, louse lice, ox oxen, person people,
leaf leaves, knife knives, wife wives, life lives, wolf wolves, half halves, shelf shelves, loaf loaves, thief thieves, calf calves,
elf elves, scarf scarves, sheep sheep, deer deer, fish fish, moose moose, series series, species species, aircraft aircraft,
cactus cacti, fungus fungi, nucleus nuclei, stimulus stimuli, crisis crises, analysis analyses, thesis theses, oasis oases,
phenomenon phenomena, criterion criteria, medium media, datum data, bacterium bacteria, curriculum curricula, index indices,
appendix appendices, hero heroes, potato potatoes, tomato tomatoes, echo echoes, volcano volcanoes, mosquito mosquitoes,
photo photos, piano pianos, radio radios, zoo zoos, kangaroo kangaroos, policeman policemen, fireman firemen, postman postmen,
grandchild grandchildren, roof roofs, cliff cliffs, chief chiefs, belief beliefs, quiz quizzes
"""

_REGULAR = """
city baby lady story party berry cherry fly family country puppy army body enemy diary butterfly strawberry library factory hobby
box bus class glass dish brush church watch bench fox dress kiss wish peach beach sandwich address bush match lunch witch
cat dog book car house tree table chair apple orange bird horse cow pen pencil door window garden river mountain street road
flower star friend teacher student school shoe hat coat shirt bed lamp clock bottle cup plate spoon fork bag ball boat ship train
plane bridge island forest lake cloud boy girl brother sister king queen doctor farmer song letter number picture lion tiger
elephant monkey key day toy boy donkey tray holiday camera computer phone kitchen egg cake carrot onion lemon banana
"""


def _regular(noun: str) -> str:
    """Form a plural by the spelling rules of regular English nouns."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    if noun.endswith(("s", "x", "ch", "sh")):
        return f"{noun}es"
    return f"{noun}s"


def _read() -> tuple[tuple[str, str], ...]:
    known: dict[str, str] = {}
    for entry in _IRREGULAR.replace("\n", " ").split(","):
        noun, plural = entry.split()
        known[noun] = plural
    for noun in _REGULAR.split():
        known.setdefault(noun, _regular(noun))
    return tuple(known.items())


PLURALS: tuple[tuple[str, str], ...] = _read()
