"""Reading: pulling names, places and dates out of a sentence, and questions about two sentences."""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

from random import Random

from t5gemma_app.training.demo.facts.names import FIRST_NAMES, MONTHS, ROOMS, THINGS, TOWNS, WEEKDAYS
from t5gemma_app.training.demo.frames import Wordings, decorate
from t5gemma_app.training.demo.invented import invented, joined
from t5gemma_app.training.demo.split import Exchange, Sampler, Split

HELD_NAMES = 0.15
# Listed names come back often enough to be learnt by heart; training takes more invented ones, which can only be copied.
INVENTED_IN_TRAINING, INVENTED_HELD_OUT = 0.6, 0.3
# Of the invented ones, this share joins two listed names, kept back or not: the joined word is neither of them.
JOINED = 0.6

SENTENCES: tuple[str, ...] = (
    "{name} went to {town} {date}.", "{name} flew to {town} {date}.", "{name} moved to {town} {date}.", "{name} was born in {town} {date}.",
    "{name} met a friend in {town} {date}.", "{name} opened a shop in {town} {date}.", "{date} {name} came to {town}.",
    "{date} {name} left {town}.", "{name} visited {town} {date}.", "{name} will travel to {town} {date}.",
    "{date} {name} bought a house in {town}.", "{name} lost a bag in {town} {date}.", "{name} sang in {town} {date}.",
    "{name} got married in {town} {date}.", "{name} started a new job in {town} {date}.", "In {town}, {name} won a prize {date}.",
    "{name} drove from home to {town} {date}.", "We saw {name} in {town} {date}.", "I called {name} in {town} {date}.",
    "My friend {name} arrived in {town} {date}.", "The train brought {name} to {town} {date}.",
)  # fmt: skip

NAME_FRAMES: tuple[str, ...] = (
    "Who is in this sentence? {s}", "Which person is named here? {s}", "Find the name: {s}", "What is the name in this sentence? {s}",
    "Extract the name: {s}", "Find the person in this sentence: {s}", "{s} Who was it?", "{s} Who is it about?",
    "{s} What is the name of the person?", "{s} Which person is named?", "Name the person: {s}", "Which name is in this text? {s}",
    "Pick out the name: {s}",
)  # fmt: skip
PLACE_FRAMES: tuple[str, ...] = (
    "Which place is in this sentence? {s}", "Which city is named here? {s}", "Find the place: {s}", "What is the place in this sentence? {s}",
    "Extract the place: {s}", "Find the city in this sentence: {s}", "{s} Where was it?", "{s} Which place is it about?",
    "{s} What is the name of the city?", "{s} Which city is named?", "Name the place: {s}", "Which place is in this text? {s}",
    "Pick out the place: {s}",
)  # fmt: skip
DATE_FRAMES: tuple[str, ...] = (
    "Which date is in this sentence? {s}", "Which date is named here? {s}", "Find the date: {s}", "What is the date in this sentence? {s}",
    "Extract the date: {s}", "Find the day in this sentence: {s}", "{s} When was it?", "{s} When did it happen?",
    "{s} What is the date?", "{s} Which date is named?", "Name the date: {s}", "Which date is in this text? {s}", "Pick out the date: {s}",
)  # fmt: skip


def _date(rng: Random) -> tuple[str, str]:
    """Return a date and the words that carry it in a sentence."""
    kind = rng.randrange(5)
    month, day, year = rng.choice(MONTHS), rng.randint(1, 30), rng.randint(1950, 2029)
    if kind == 0:
        date = rng.choice(WEEKDAYS)
        return date, f"on {date}"
    if kind == 1:
        return str(year), f"in {year}"
    if kind == 2:
        return month, f"in {month}"
    date = f"{day} {month}" if kind == 3 else rng.choice((f"{month} {day}", f"{day} {month} {year}"))
    return date, f"on {date}"


class Cast:
    """People and towns of one side of the split, many of them invented."""

    def __init__(self, split: Split) -> None:
        self.split = split
        self._invented = INVENTED_HELD_OUT if split.held_out else INVENTED_IN_TRAINING
        self._names = split.part("name", FIRST_NAMES, HELD_NAMES)
        self._towns = split.part("town", TOWNS, HELD_NAMES)

    def name(self, rng: Random) -> str:
        """Return a first name."""
        return self._one(rng, self._names, FIRST_NAMES)

    def town(self, rng: Random) -> str:
        """Return the name of a town."""
        return self._one(rng, self._towns, TOWNS)

    def _one(self, rng: Random, listed: tuple[str, ...], every: tuple[str, ...]) -> str:
        if rng.random() >= self._invented:
            return rng.choice(listed)
        if not self.split.held_out and rng.random() < JOINED:
            return joined(rng, every)
        return invented(rng, self.split)


def extraction(split: Split) -> Sampler:
    """Ask for the name, the place or the date of a sentence; held out, its person and its town are new."""
    cast = Cast(split)
    by_kind = {
        "name": Wordings(split, "name", NAME_FRAMES),
        "town": Wordings(split, "place", PLACE_FRAMES),
        "date": Wordings(split, "date", DATE_FRAMES),
    }

    def sample(rng: Random) -> Exchange:
        name, town = cast.name(rng), cast.town(rng)
        date, when = _date(rng)
        sentence = rng.choice(SENTENCES).replace("{name}", name).replace("{town}", town).replace("{date}", when)
        sentence = sentence[0].upper() + sentence[1:]
        kind = rng.choice(("name", "town", "date"))
        frame, decoration = by_kind[kind].open(rng)
        question = decorate(decoration, frame.replace("{s}", sentence))
        # A sentence, so that the copied word keeps the space, and with it the pieces, that it has in the question.
        answers = {"name": f"The name is {name}.", "town": f"The place is {town}.", "date": f"The date is {date}."}
        return Exchange("extraction", question, answers[kind])

    return sample


_IN_ROOM = (
    "{x} is in the {p}.",
    "{x} went to the {p}.",
    "{x} is waiting in the {p}.",
    "{x} walked to the {p}.",
    "{x} sits in the {p}.",
)
_IN_TOWN = ("{x} lives in {p}.", "{x} works in {p}.", "{x} is in {p}.", "{x} has a house in {p}.", "{x} went to {p}.")
_THING_IN = ("{x} is in the {p}.", "{x} was left in the {p}.", "You will find {x} in the {p}.", "{x} lies in the {p}.")
_JOINS = ("{a} {b} {q}", "{a} {b}\n{q}", "{a} {b}\n\n{q}", "Read this: {a} {b} {q}", "{q} {a} {b}", "Text: {a} {b} Question: {q}",
          "{a} {b} Now tell me: {q}", "Here is a text. {a} {b} {q}", "Passage: {a} {b}\nQuestion: {q}")  # fmt: skip
_WHERE = ("Where is {x}?", "Where is {x} now?", "Where can I find {x}?", "In which place is {x}?")


def _scene(rng: Random, cast: Cast) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    """Return two (who, sentence, place) with different people and places."""
    # Things are the easiest to tell apart, so training meets them most.
    kind = rng.randrange(3) if cast.split.held_out else rng.choice((0, 1, 2, 2))
    if kind == 2:
        who = [f"the {thing}" for thing in rng.sample(THINGS, 2)]
    else:
        who = [cast.name(rng), cast.name(rng)]
    if kind == 1:
        where = [cast.town(rng), cast.town(rng)]
    else:
        where = rng.sample(ROOMS, 2)
    known_things = kind == 2 and not cast.split.takes("things", ",".join(sorted(who)), HELD_NAMES)
    if known_things or who[0] == who[1] or where[0] == where[1]:
        return _scene(rng, cast)
    told = []
    for person, place in zip(who, where, strict=True):
        sentence = rng.choice((_IN_ROOM, _IN_TOWN, _THING_IN)[kind]).replace("{x}", person).replace("{p}", place)
        told.append((person, sentence[0].upper() + sentence[1:], place if kind == 1 else f"the {place}"))
    return told[0], told[1]


def passage(split: Split) -> Sampler:
    """Ask where somebody is, or whether they are somewhere, after two sentences; held out, the people are new."""
    cast = Cast(split)
    joins = Wordings(split, "join", _JOINS)

    def sample(rng: Random) -> Exchange:
        first, second = _scene(rng, cast)
        asked, other = (first, second) if rng.random() < 0.5 else (second, first)
        # Who is asked about comes first and the verdict last, so that each word can be looked up by the one before it.
        stated = f"{asked[0]} is in {asked[2]}"
        stated = stated[0].upper() + stated[1:]
        if rng.random() < 0.5:
            question, answer = rng.choice(_WHERE).replace("{x}", asked[0]), f"{stated}."
        else:
            true = rng.random() < 0.5
            place = asked[2] if true else other[2]
            question, answer = f"Is {asked[0]} in {place}?", f"{stated}, so {'yes' if true else 'no'}."
        frame = joins.open(rng)[0]
        text = frame.replace("{a}", first[1]).replace("{b}", second[1]).replace("{q}", question)
        return Exchange("passage", text, answer)

    return sample
