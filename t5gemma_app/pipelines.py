"""`pipeline("text2text-generation")` for T5Gemma in Python, which transformers 5 no longer has.

transformers removed the task in release 5, and its text-generation pipeline cuts as many tokens off the start of an
encoder-decoder's answer as the prompt has. This one answers through the app's own engine, with the app's own limits
and errors.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeGuard

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Piece, SamplingParameters
from t5gemma_app.errors import InputError, did_you_mean
from t5gemma_app.services import Services, build_services
from t5gemma_app.settings import PREFIX, Settings
from t5gemma_app.tasks.turns import BOS, START_OF_TURN, Turn

TEXT2TEXT = "text2text-generation"
TASKS = (TEXT2TEXT,)
DEFAULT_MODEL = "t5gemma-demo-chat"

Message = Mapping[str, Any]
Prompt = str | Sequence[Message]

_PROMPT = 'A prompt is a text, or messages such as [{"role": "user", "content": "Hello"}].'
_TOGETHER = 8
# They choose among several tokens, so they do nothing where the best one is always taken.
_SAMPLED = ("temperature", "top_k", "top_p", "min_p")


@dataclass(frozen=True, slots=True)
class Text2TextGeneration:
    """Answers texts and conversations with one checkpoint; made by `pipeline`.

    Usable as a context manager, which closes it.
    """

    checkpoint: Checkpoint
    services: Services

    def __call__(
        self,
        prompts: Prompt | Sequence[Prompt],
        *,
        max_new_tokens: int = 256,
        do_sample: bool = False,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        repetition_penalty: float = 1.0,
        seed: int = 0,
        batch: int = _TOGETHER,
        raw: bool | None = None,
    ) -> list[dict[str, str]]:
        """Answer one prompt or several.

        Args:
            prompts: A text, a conversation as a list of {"role", "content"}, or a list of either. A text is one message
                of the user. A conversation ends with the user's message and may begin with a system message.
            max_new_tokens: The longest answer, in tokens.
            do_sample: Draw the next token by its probability; without it the most probable one is taken.
            temperature: Higher is more varied; 1 when left out.
            top_k: Draw from the k most probable tokens only.
            top_p: Draw from the fewest tokens whose probabilities reach p together.
            min_p: Draw from tokens at least p times as probable as the best one.
            repetition_penalty: Above 1 makes tokens of the answer so far less probable.
            seed: The same seed gives the same answers.
            batch: Prompts that are answered at the same time.
            raw: Send the last message as it is, without turns; None does so for checkpoints that were only pretrained.

        Returns:
            One {"generated_text": …} a prompt, in the order given.

        Raises:
            InputError: A prompt or an option can't be used.
            EngineError: The answers could not be computed.
        """
        if batch < 1:
            raise InputError(f"batch is {batch}.", expected="It takes a whole number from 1.")
        chosen = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p}
        parameters = _parameters(do_sample, chosen, max_new_tokens, repetition_penalty, seed)
        pieces = [self._pieces(prompt, raw) for prompt in _listed(prompts)]
        answers: list[dict[str, str]] = []
        for start in range(0, len(pieces), batch):
            results = self.services.engine.generate_batch(self.checkpoint, pieces[start : start + batch], parameters)
            answers += [{"generated_text": result.text} for result in results]
        return answers

    def close(self) -> None:
        """Give the checkpoint's memory back; the pipeline can't be called any more."""
        self.services.engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def _pieces(self, prompt: Prompt, raw: bool | None) -> tuple[Piece, ...]:
        turns, system = _conversation(prompt)
        return self.services.chat.fit(self.checkpoint, turns, system, raw).pieces


def pipeline(
    task: str = TEXT2TEXT, model: str = DEFAULT_MODEL, *, dtype: object = "auto", **settings: object
) -> Text2TextGeneration:
    """Load a checkpoint and return what answers with it.

    Args:
        task: What to do; only `text2text-generation` is offered.
        model: A name of the catalogue, a folder, or a hub id.
        dtype: The number format of the weights: `auto`, `float32`, `bfloat16`, `float16`, or torch's own object.
        **settings: Settings of the app that differ from the T5GEMMA_* variables, such as `device="cpu"`.

    Raises:
        InputError: The task is not offered, or there is no such setting.
        SettingsError: A setting's value can't be read.
        CheckpointError: The checkpoint can't be had, or its files are wrong.
        PlacementError: A wish for a device, dtype or attention can't be met.
    """
    if task not in TASKS:
        raise InputError(f"The task {task!r} is not offered.", expected=f"It is one of: {', '.join(TASKS)}.")
    wishes = {name: value for name, value in {"dtype": dtype, **settings}.items() if value is not None}
    services = build_services(_settings(wishes))
    try:
        checkpoint = services.catalogue.resolve(model)
        for _ in services.engine.load(checkpoint):
            pass
    except BaseException:
        services.engine.close()
        raise
    return Text2TextGeneration(checkpoint, services)


def _settings(wishes: Mapping[str, object]) -> Settings:
    """Return the environment's settings with wishes laid over them, each checked as its variable is."""
    known = [field.name for field in fields(Settings) if "reader" in field.metadata]
    for name in wishes:
        if name not in known:
            raise InputError(
                f"There is no setting {name!r}.",
                expected=did_you_mean(name, known),
                remedy="`python -m t5gemma_app settings` lists all of them.",
            )
    checked = Settings.from_environ({PREFIX + name.upper(): _worded(value) for name, value in wishes.items()})
    changes: dict[str, Any] = {name: getattr(checked, name) for name in wishes}
    return replace(Settings.from_environ(), **changes)


def _worded(value: object) -> str:
    """Return a value as its variable would spell it; torch calls its formats `torch.bfloat16`."""
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value).removeprefix("torch.")


def _parameters(
    do_sample: bool, chosen: Mapping[str, float | None], max_new_tokens: int, repetition_penalty: float, seed: int
) -> SamplingParameters:
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    if given and not do_sample:
        raise InputError(
            f"{next(iter(given))} has no effect while the most probable token is taken.",
            remedy="Add do_sample=True.",
        )
    if do_sample:
        given.setdefault("temperature", 1.0)
        if given["temperature"] == 0:
            raise InputError("temperature is 0 with do_sample=True.", remedy="Leave do_sample out for the best token.")
    return SamplingParameters(
        **given, max_new_tokens=max_new_tokens, repetition_penalty=repetition_penalty, seed=seed
    ).checked()


def _listed(prompts: Prompt | Sequence[Prompt]) -> Sequence[Prompt]:
    """Return the prompts as a list; a conversation is one prompt, though it is a list itself."""
    if isinstance(prompts, str) or _is_conversation(prompts):
        return [prompts]
    if not isinstance(prompts, list | tuple):
        raise InputError(f"A prompt can't be of type {type(prompts).__name__}.", expected=_PROMPT)
    return prompts


def _is_conversation(prompt: object) -> TypeGuard[Sequence[Message]]:
    return isinstance(prompt, list | tuple) and bool(prompt) and all(isinstance(said, Mapping) for said in prompt)


def _conversation(prompt: object) -> tuple[tuple[Turn, ...], str]:
    """Return a prompt's turns, and the system text in front of them."""
    if isinstance(prompt, str):
        if prompt.startswith((BOS, START_OF_TURN)):
            warnings.warn(
                "The text begins with turn markers, which are sent as ordinary characters. "
                "Pass the messages themselves instead of a text made by apply_chat_template.",
                stacklevel=5,
            )
        return (Turn("user", prompt),), ""
    if not _is_conversation(prompt):
        raise InputError(f"A prompt can't be {str(prompt)[:100]!r}.", expected=_PROMPT)
    system = ""
    turns: list[Turn] = []
    for index, said in enumerate(prompt):
        role, text = said.get("role"), _content(said.get("content"))
        if role == "system" and index == 0:
            system = text
        elif role == "user":
            turns.append(Turn("user", text))
        elif role in ("assistant", "model"):
            turns.append(Turn("assistant", text))
        else:
            raise InputError(
                f"Message {index + 1} has the role {role!r}.",
                expected="It is user or assistant; the first message may be system.",
            )
    return tuple(turns), system


def _content(content: object) -> str:
    """Return a message's text, whole or in the parts that multimodal templates use."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, Mapping) and "text" in part for part in content):
        return "".join(str(part["text"]) for part in content)
    raise InputError(f"A message's content can't be {str(content)[:100]!r}.", expected="It is a text.")
