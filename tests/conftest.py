"""What every test shares: no network, and no variables of whoever runs them."""

from __future__ import annotations

import os

from hypothesis import settings

# One thread: the models are tiny, and two threads that wait for each other on a busy machine are many times slower.
os.environ.update(
    OMP_NUM_THREADS="1",
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_TELEMETRY="1",
    GRADIO_ANALYTICS_ENABLED="False",
    TOKENIZERS_PARALLELISM="false",
)
for name in [n for n in os.environ if n.startswith("T5GEMMA_") or n == "HF_TOKEN"]:
    del os.environ[name]

# A change is judged by the same texts every time; new ones are tried where people work. No text has a time to keep:
# machines are busy.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("new texts", deadline=None)
settings.load_profile("fixed" if os.environ.get("CI") else "new texts")
