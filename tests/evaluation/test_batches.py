from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.benchmarks.records import Example
from t5gemma_app.evaluation.batches import MOST_TOKENS, grown, missing, take

LENGTHS = st.lists(st.integers(0, 400), min_size=1, max_size=40)


def example(number: int, length: int, method: str = "rank") -> Example:
    return Example(str(number), "boolq", "boolq:harness@1", method, "x" * length, (" no", " yes"), 0, str(number))


@given(LENGTHS, st.integers(1, 5))
def test_shards_deal_out_every_row_once_and_longest_first(lengths, shards) -> None:
    examples = [example(i, length) for i, length in enumerate(lengths)]
    dealt = [missing(examples, lambda _: False, shard, shards) for shard in range(shards)]
    assert sorted(item.place for todo in dealt for item in todo) == list(range(len(examples)))
    for shard, todo in enumerate(dealt):
        assert all(item.place % shards == shard for item in todo)
        assert [item.cost for item in todo] == sorted((item.cost for item in todo), reverse=True)


@given(LENGTHS, st.sets(st.integers(0, 39)))
def test_what_is_answered_is_left_out(lengths, answered) -> None:
    examples = [example(i, length) for i, length in enumerate(lengths)]
    todo = missing(examples, lambda e: int(e.id) in answered)
    assert {item.place for item in todo} == set(range(len(examples))) - answered


@given(LENGTHS, st.integers(1, 2000))
def test_a_batch_fits_its_tokens_or_is_one_example(lengths, tokens) -> None:
    todo = missing([example(i, length) for i, length in enumerate(lengths)], lambda _: False)

    count = take(todo, tokens)
    assert 1 <= count <= len(todo)
    assert count == 1 or cost(todo[:count]) <= tokens
    assert count == len(todo) or cost(todo[: count + 1]) > tokens


def cost(items) -> int:
    """Every context once, and what each further example has beside it."""
    contexts = [item.example.context for item in items]
    return sum(
        item.further_cost if c in contexts[:i] else item.cost
        for i, (c, item) in enumerate(zip(contexts, items, strict=True))
    )


def test_examples_that_share_a_context_make_one_batch() -> None:
    """As in MultiRC, where a question's answers are rows of their own."""
    examples = [
        Example(**{**vars_of(example(i, 40 * (i % 2 + 10))), "choices": ("no" * (i + 1), "yes")}) for i in range(20)
    ]
    todo = missing(examples, lambda _: False)
    contexts = [item.example.context for item in todo]
    assert sum(a != b for a, b in pairwise(contexts)) == 1
    assert take(todo, todo[0].cost + sum(item.further_cost for item in todo[1:10])) == 10
    assert take(todo, 10 * todo[0].cost) > 10


def test_equal_contexts_stand_side_by_side() -> None:
    examples = [
        example(i, 40) if i % 2 else Example(**{**vars_of(example(i, 40)), "context": "y" * 40}) for i in range(6)
    ]
    contexts = [item.example.context for item in missing(examples, lambda _: False)]
    assert contexts == sorted(contexts)


def vars_of(one: Example) -> dict:
    return {name: getattr(one, name) for name in one.__slots__}


@given(st.integers(1, MOST_TOKENS), st.floats(0, 100))
def test_batches_grow_and_shrink_towards_the_wanted_time(tokens, seconds) -> None:
    new = grown(tokens, seconds)
    assert tokens // 2 <= new <= min(MOST_TOKENS, 2 * tokens)
    assert new >= 1
    assert (seconds >= 1.0) or new >= tokens
    assert (seconds <= 4.0) or new <= tokens
