"""Ways to put a question: frames that hold a word, and decorations around a whole question.

Knows wordings; refuses to know answers. A fifth of the frames and of the decorations is never shown in training.
"""
# ruff: noqa: E501  (tables of wordings are read more easily in long lines)

from __future__ import annotations

import re
from random import Random

from t5gemma_app.training.demo.split import Split

HELD_SHARE = 0.2
PLAIN = "{q}"

# {q} keeps the question as it is, {l} puts its first word in lower case where English would.
DECORATIONS: tuple[str, ...] = (
    "Hey, {l}",
    "Hi! {q}",
    "Hi, {l}",
    "Hello, {l}",
    "Hello! {q}",
    "Question: {q}",
    "Question: {l}",
    "I have a question: {l}",
    "I have a question. {q}",
    "Please answer: {q}",
    "Please answer this: {l}",
    "I wonder: {l}",
    "My friend asks: {q}",
    "{q} Please.",
    "{q} Thanks!",
    "{q} Thank you.",
    "Quick question: {l}",
    "A quick question: {q}",
    "So, {l}",
    "OK, {l}",
    "Okay. {q}",
    "One more question. {q}",
    "One more: {l}",
    "I want to know: {l}",
    "Listen: {q}",
    "Please help me. {q}",
    "I am curious. {q}",
    "I am curious: {l}",
    "For school: {q}",
    "My teacher asked: {q}",
    "My son asks: {q}",
    "Now tell me: {l}",
    "Next question: {q}",
    "{q} I forgot.",
    "{q} I'm not sure.",
    "{q} I need to know.",
    "Excuse me, {l}",
    "Good morning! {q}",
    "Good evening. {q}",
    "{q} Do you know?",
    "{q} Any idea?",
    "{q} Tell me.",
    "Sorry, {l}",
    "Well, {l}",
    "Please: {l}",
    "Dear assistant, {l}",
    "Assistant, {l}",
    "Let me ask: {l}",
    "Let me ask you this: {q}",
    "Can you help? {q}",
    "And {l}",
    "Then {l}",
    "Say, {l}",
    "Here is a question: {q}",
    "Quiz: {q}",
    "Help me with this: {l}",
    "Do you know this? {q}",
    "Answer this: {q}",
    "Answer: {q}",
    "Q: {q}",
    "Tell me, {l}",
    "Tell me: {l}",
    "Thanks! {q}",
    "Thank you. {q}",
    "Right, {l}",
    "I was asked: {q}",
    "Just asking: {l}",
)

SMALL_DECORATIONS: tuple[str, ...] = (
    "{q} :)",
    "Hey! {q}",
    "Oh, {l}",
    "Well, {l}",
    "So, {l}",
    "Okay, {l}",
    "Ah, {l}",
    "Hm, {l}",
    "OK. {q}",
    "By the way, {l}",
    "And {l}",
    "Dear model, {l}",
    "Hey assistant, {l}",
    "Just {l}",
    "Ha! {q}",
    "Oh! {q}",
    "Now, {l}",
    "Please note: {l}",
)

_LOWERED = frozenset(
    [
        "What",
        "What's",
        "Which",
        "How",
        "How's",
        "Why",
        "Where",
        "Who",
        "When",
        "Is",
        "Are",
        "Do",
        "Does",
        "Did",
        "Can",
        "Could",
        "Tell",
        "Name",
        "Give",
        "Please",
        "At",
        "In",
        "On",
        "Of",
        "The",
        "Around",
        "To",
        "Explain",
        "For",
        "Write",
        "Make",
        "Put",
        "Turn",
        "Convert",
        "Change",
        "Say",
        "Spell",
        "Find",
        "Read",
        "Calculate",
        "Add",
        "Subtract",
        "Take",
        "Multiply",
        "Work",
        "Will",
        "You",
        "Your",
        "That",
        "My",
        "Thank",
        "Thanks",
        "Good",
        "Hello",
        "Hi",
        "Hey",
        "See",
        "Have",
        "Talk",
        "Let's",
        "Today",
        "There",
        "This",
        "Everything",
        "Another",
        "Make",
        "Introduce",
        "Am",
        "Any",
        "A",
        "An",
        "It",
        "It's",
        "Nice",
        "Pleased",
        "Glad",
        "Happy",
        "Sorry",
        "Yes",
        "Sure",
        "Fine",
        "Great",
        "Right",
        "Cool",
        "Got",
        "Was",
        "Were",
        "Show",
        "Translate",
        "Draw",
        "Prove",
        "Summarise",
        "Much",
        "Many",
        "Until",
        "Time",
        "Sweet",
        "Sleep",
        "Night",
        "Morning",
        "Evening",
        "Bye",
        "Goodbye",
        "Farewell",
        "Greetings",
        "Entertain",
        "Nothing",
        "Pardon",
        "Excuse",
        "Forgive",
        "Bad",
        "Well",
        "Nice",
        "Help",
        "Alright",
        "Ok",
        "Okay",
        "Use",
        "Respond",
        "Give",
        "Shout",
        "Print",
        "Extract",
        "Pick",
        "Look",
        "From",
        "If",
        "With",
        "Into",
        "Let",
        "Count",
    ]
)


def lowered(question: str) -> str:
    """Put the first word in lower case, unless it is a name, `I` or an abbreviation."""
    first, _, rest = question.partition(" ")
    bare = first.rstrip(",.:!?")
    return f"{first[0].lower()}{first[1:]}{' ' if rest else ''}{rest}" if bare in _LOWERED else question


def decorate(decoration: str, question: str) -> str:
    """Put a decoration around a question."""
    return decoration.replace("{l}", lowered(question)) if "{l}" in decoration else decoration.replace("{q}", question)


def loosen(rng: Random, question: str, *, recase: bool = True) -> str:
    """Write a question the way people type: sometimes in lower case, sometimes without its last mark."""
    kind = rng.random()
    if kind < 0.16 and recase:
        question = question.lower()
    if rng.random() < 0.16 and question.endswith(("?", ".")):
        question = question[:-1]
    return question


def _bare(text: str) -> str:
    """Reduce a wording to its words, so that two spellings of one wording fall on the same side of the split."""
    return " ".join(re.findall(r"[a-z]+", text.replace("{l}", "{q}").lower()))


def _side(split: Split, kind: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text for text in texts if split.takes(kind, _bare(text), HELD_SHARE))


class Wordings:
    """Picks a frame and a decoration for one side of the split."""

    def __init__(
        self, split: Split, kind: str, frames: tuple[str, ...], decorations: tuple[str, ...] = DECORATIONS
    ) -> None:
        self._split = split
        seen = Split(split.seed, held_out=False)
        self._seen_frames = _side(seen, f"frame:{kind}", frames) or frames
        self._new_frames = tuple(frame for frame in frames if frame not in self._seen_frames)
        self._seen_decorations = (PLAIN, *_side(seen, "decoration", decorations))
        self._new_decorations = tuple(text for text in decorations if text not in self._seen_decorations)

    def known(self, rng: Random) -> tuple[str, str]:
        """Pick (frame, decoration) for something training knows: held out, at least one of the two was never seen at all."""
        if not self._split.held_out:
            return self._seen(rng)
        if self._new_frames and rng.random() < 0.5:
            return rng.choice(self._new_frames), self._seen(rng)[1]
        return rng.choice(self._seen_frames), rng.choice(self._new_decorations)

    def open(self, rng: Random) -> tuple[str, str]:
        """Pick (frame, decoration) for something training has not seen: held out, any wording will do."""
        if self._split.held_out and rng.random() < 0.3:
            return self.known(rng)
        return self._seen(rng)

    def _seen(self, rng: Random) -> tuple[str, str]:
        return rng.choice(self._seen_frames), (PLAIN if rng.random() < 0.4 else rng.choice(self._seen_decorations))
