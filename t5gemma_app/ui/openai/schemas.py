"""What OpenAI's clients send, checked: fields that would change the answer and can't be honoured are refused in words.

Fields that change nothing here, such as `user` or `metadata`, are taken and ignored, as other servers do.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

MOST_MESSAGES = 10_000
Stop = str | list[str] | None


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class TextPart(_Body):
    """A part of a message; pictures and sound have other types and are refused."""

    type: Literal["text"]
    text: str


class Message(_Body):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    @property
    def text(self) -> str:
        """The message's text, parts joined."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(_Body):
    """What a stream tells beside its text."""

    include_usage: bool = False


class Request(_Body):
    """What both kinds of request have in common; `top_k`, `min_p` and `repetition_penalty` are this server's own."""

    model: str
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=5)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.1, le=10)] | None = None
    seed: int | None = None
    stop: Stop = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    logit_bias: dict[str, float] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None

    @field_validator("n")
    @classmethod
    def _one(cls, value: int | None) -> int | None:
        return _refused(value, value in (None, 1), "one answer a request; send the request again for another")

    @field_validator("logit_bias")
    @classmethod
    def _no_bias(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        return _refused(value, not value, "no biases")

    @field_validator("presence_penalty", "frequency_penalty")
    @classmethod
    def _no_penalty(cls, value: float | None) -> float | None:
        return _refused(value, not value, "0; repetition_penalty is what it has instead")

    @field_validator("stop")
    @classmethod
    def _few_stops(cls, value: Stop) -> Stop:
        texts = [value] if isinstance(value, str) else value or []
        fits = len(texts) <= 16 and all(0 < len(text) <= 200 for text in texts)
        return _refused(value, fits, "up to 16 stop strings of 1 to 200 characters each")


class ChatRequest(Request):
    """The body of `/v1/chat/completions`."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    logprobs: bool | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    response_format: dict[str, Any] | None = None

    @field_validator("logprobs", "tools", "functions")
    @classmethod
    def _none_of_these(cls, value: Any) -> Any:
        return _refused(value, not value, "text alone, without tools or probabilities")

    @field_validator("response_format")
    @classmethod
    def _text(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return _refused(value, value is None or value.get("type") == "text", 'the type "text" alone')

    @field_validator("messages")
    @classmethod
    def _order(cls, value: list[Message]) -> list[Message]:
        speakers = [message.role for message in value]
        if speakers[-1] != "user":
            raise ValueError('the last message must be the "user"\'s')
        first = next(place for place, role in enumerate(speakers) if role in ("user", "assistant"))
        if any(role in ("system", "developer") for role in speakers[first:]):
            raise ValueError('"system" and "developer" messages come before all others')
        return value


class CompletionRequest(Request):
    """The body of `/v1/completions`."""

    prompt: str | Annotated[list[str], Field(min_length=1, max_length=1)]
    best_of: int | None = None
    echo: bool | None = None
    logprobs: int | None = None
    suffix: str | None = None

    @field_validator("best_of")
    @classmethod
    def _one_of_one(cls, value: int | None) -> int | None:
        return _refused(value, value in (None, 1), "one answer a request")

    @field_validator("echo", "suffix", "logprobs")
    @classmethod
    def _none_of_these(cls, value: Any) -> Any:
        return _refused(value, value in (None, False, ""), "the continuation alone")

    @property
    def text(self) -> str:
        """The text to continue."""
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]


def _refused(value: Any, fits: bool, takes: str) -> Any:
    if not fits:
        raise ValueError(f"this server takes {takes}")
    return value
