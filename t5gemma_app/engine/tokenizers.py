"""The tokenizers in use, read once; only a few are kept, since one of Gemma's takes about 100 MB."""

from __future__ import annotations

import threading
from collections import OrderedDict

from t5gemma_app.checkpoints.download import tokenizer_folder
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.settings import Settings

KEPT = 4


class TokenizerShelf:
    """Reads tokenizers on demand and keeps the ones used last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Held while one is read, so that a tokenizer asked for twice at once is read once.
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, TextEncoder] = OrderedDict()

    def of(self, checkpoint: Checkpoint) -> TextEncoder:
        """Return a checkpoint's tokenizer.

        Raises:
            AccessError: The Hub does not give it.
            BrokenCheckpointError: The file can't be read.
        """
        with self._lock:
            encoder = self._kept.get(checkpoint.name)
            if encoder is None:
                encoder = TextEncoder.from_folder(tokenizer_folder(checkpoint, self._settings))
                self._kept[checkpoint.name] = encoder
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(checkpoint.name)
            return encoder
