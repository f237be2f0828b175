"""Text to token ids and back, with control markers that only the app itself can write.

Works on the `tokenizers` library alone, so that counting tokens needs no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from t5gemma_app.engine.types import Piece, Token
from t5gemma_app.errors import BrokenCheckpointError

TURN_MARKERS = ("<start_of_turn>", "<end_of_turn>")


class TextEncoder:
    """The tokenizer of one checkpoint.

    Text pieces never yield a control id: where a person typed a marker such as `<end_of_turn>`, it is cut in two before
    it reaches the tokenizer, which then spells it out as ordinary characters.

    Args:
        tokenizer: The tokenizer; it must not pad or truncate.
        specials: Further markers that text must not be able to write.
    """

    def __init__(self, tokenizer: Tokenizer, specials: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        added = tokenizer.get_added_tokens_decoder().items()
        self.control_ids = frozenset(
            index for index, token in added if token.special or token.content in (*TURN_MARKERS, *specials)
        )
        contents = sorted(
            {t.content for i, t in added if i in self.control_ids and len(t.content) > 1}, key=len, reverse=True
        )
        self._frame = self._read_frame()
        self._pair_frame = self._read_pair_frame()
        self._marker = re.compile("|".join(map(re.escape, contents))) if contents else None

    @classmethod
    def from_folder(cls, folder: Path) -> TextEncoder:
        """Read `tokenizer.json` of a checkpoint's folder.

        Raises:
            BrokenCheckpointError: The file is missing or is no tokenizer.
        """
        path = folder / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises bare Exception for every fault of the file
            raise BrokenCheckpointError(
                f"The tokenizer of {folder.name} can't be read: {_first_line(error)}.",
                expected="A tokenizer.json as transformers saves it.",
                remedy="Save the tokenizer again with save_pretrained, or copy it from the original checkpoint.",
            ) from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(tokenizer, _special_contents(folder))

    def ids(self, pieces: Sequence[Piece]) -> list[int]:
        """Return the token ids of a prompt.

        Raises:
            BrokenCheckpointError: The tokenizer has no such control marker.
        """
        ids: list[int] = []
        for piece in pieces:
            ids += [self._control(piece.text)] if piece.control else self.text_ids(piece.text)
        return ids

    def framed_ids(self, text: str) -> list[int]:
        """Return the ids of a text with the marks the checkpoint's own tokenizer puts around it, such as `<bos>`."""
        before, after = self._frame
        return [*before, *self.text_ids(text), *after]

    def paired_ids(self, text: str, pair: str | None = None) -> list[int]:
        """Return the ids of one text, or of two as the checkpoint's own tokenizer joins them.

        Where the tokenizer puts no mark between two texts, a line feed keeps them apart.
        """
        if pair is None:
            return self.framed_ids(text)
        before, between, after = self._pair_frame
        between = between or self.text_ids("\n")
        return [*before, *self.text_ids(text), *between, *self.text_ids(pair), *after]

    def shortened_ids(self, text: str, pair: str | None, longest: int) -> list[int]:
        """Return the ids of one text, or of two; where they are too many, the end of the first text is left out."""
        ids = self.paired_ids(text, pair)
        over = len(ids) - longest
        if over <= 0:
            return ids
        before = len((self._frame if pair is None else self._pair_frame)[0])
        end = before + len(self.text_ids(text))
        return (ids[: max(before, end - over)] + ids[end:])[:longest]

    def windowed_ids(self, window: Sequence[int]) -> tuple[list[int], int]:
        """Return ids of a stretch of text with the marks around it, and how many marks are in front."""
        before, after = self._frame
        return [*before, *window, *after], len(before)

    def tokens(self, text: str) -> tuple[Token, ...]:
        """Return the word pieces of ordinary text with their places in it."""
        found: list[Token] = []
        offset = 0
        for part in self._parts(text):
            encoding = self._tokenizer.encode(part, add_special_tokens=False)
            found += [
                Token(index, piece, offset + start, offset + end)
                for index, piece, (start, end) in zip(encoding.ids, encoding.tokens, encoding.offsets, strict=True)
            ]
            offset += len(part)
        return tuple(found)

    def count(self, pieces: Sequence[Piece]) -> int:
        """Return how many tokens a prompt has."""
        return len(self.ids(pieces))

    def text_ids(self, text: str) -> list[int]:
        """Return the ids of ordinary text; never a control id."""
        ids: list[int] = []
        for part in self._parts(text):
            ids += self._tokenizer.encode(part, add_special_tokens=False).ids
        return ids

    def text(self, ids: Sequence[int]) -> str:
        """Return the text of ids, control markers left out."""
        return self._tokenizer.decode([i for i in ids if i not in self.control_ids], skip_special_tokens=False)

    def pieces_of(self, ids: Sequence[int]) -> list[str]:
        """Return the word pieces as the model sees them."""
        return [self._tokenizer.id_to_token(index) or f"<{index}>" for index in ids]

    def _read_frame(self) -> tuple[list[int], list[int]]:
        encoding = self._tokenizer.encode("a", add_special_tokens=True)
        own = [at for at, special in enumerate(encoding.special_tokens_mask) if not special]
        first, last = (own[0], own[-1]) if own else (0, -1)
        return list(encoding.ids[:first]), list(encoding.ids[last + 1 :])

    def _read_pair_frame(self) -> tuple[list[int], list[int], list[int]]:
        encoding = self._tokenizer.encode("a", "a", add_special_tokens=True)
        own = [at for at, special in enumerate(encoding.special_tokens_mask) if not special]
        if not own:
            return list(encoding.ids), [], []
        # both texts are the same single letter, so each has half of what is no mark
        first, second = own[len(own) // 2 - 1], own[len(own) // 2]
        return list(encoding.ids[: own[0]]), list(encoding.ids[first + 1 : second]), list(encoding.ids[own[-1] + 1 :])

    def _control(self, marker: str) -> int:
        index = self._tokenizer.token_to_id(marker)
        if index is None:
            raise BrokenCheckpointError(
                f"The tokenizer has no token {marker}.",
                expected="A Gemma tokenizer, which marks turns with <start_of_turn> and <end_of_turn>.",
                remedy="Use the checkpoint's own tokenizer, or send the prompt raw.",
            )
        return int(index)

    def _parts(self, text: str) -> list[str]:
        """Cut every typed marker after its first character, so that no part holds one."""
        if self._marker is None:
            return [text] if text else []
        parts, start, position = [], 0, 0
        while match := self._marker.search(text, position):
            parts.append(text[start : match.start() + 1])
            start = position = match.start() + 1
        parts.append(text[start:])
        return [part for part in parts if part]


class TextStream:
    """Turns ids that arrive one by one into text, holding back what the next id may still change.

    Args:
        encoder: The checkpoint's tokenizer.
        stop: Strings that end the text; what may be the start of one is held back too.
    """

    # A UTF-8 character has up to four bytes, so byte pieces are complete after at most four ids.
    _WINDOW = 8

    def __init__(self, encoder: TextEncoder, stop: Sequence[str] = ()) -> None:
        self._encoder = encoder
        self._stop = tuple(stop)
        self._ids: list[int] = []
        self._settled = 0
        self._text = ""
        self._sent = 0
        self.stopped = False

    @property
    def text(self) -> str:
        """The whole text so far, cut at a stop string."""
        return self._text

    def push(self, index: int) -> str:
        """Take one id and return the characters that are certain now."""
        self._ids.append(index)
        tail = self._encoder.text(self._ids[self._settled :])
        if tail.endswith("\ufffd") and len(self._ids) - self._settled < self._WINDOW:
            return ""
        return self._release(tail)

    def finish(self) -> str:
        """Return what is left."""
        if not self.stopped and self._settled < len(self._ids):
            self._append(self._encoder.text(self._ids[self._settled :]))
        fresh = self._text[self._sent :]
        self._sent = len(self._text)
        return fresh

    def _release(self, tail: str) -> str:
        self._append(tail)
        end = len(self._text) if self.stopped else len(self._text) - self._held()
        fresh = self._text[self._sent : end]
        self._sent = max(self._sent, end)
        return fresh

    def _append(self, tail: str) -> None:
        self._settled = len(self._ids)
        seen = max(0, len(self._text) - max((len(s) for s in self._stop), default=1) + 1)
        self._text += tail
        ends = [at for at in (self._text.find(s, seen) for s in self._stop) if at >= 0]
        if ends:
            self._text = self._text[: min(ends)]
            self.stopped = True

    def _held(self) -> int:
        """Return how many characters at the end may be the beginning of a stop string."""
        longest = 0
        for stop in self._stop:
            for size in range(min(len(stop) - 1, len(self._text)), longest, -1):
                if self._text.endswith(stop[:size]):
                    longest = size
                    break
        return longest


def _special_contents(folder: Path) -> list[str]:
    """Return the markers that `tokenizer_config.json` names as special; an unreadable file adds none."""
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    values = [config.get(name) for name in ("bos_token", "eos_token", "pad_token", "unk_token")]
    contents = [v.get("content") if isinstance(v, dict) else v for v in values]
    return [c for c in contents if isinstance(c, str) and c]


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
