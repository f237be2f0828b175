"""`tag`: the words of one text, or of a file of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from t5gemma_app.cli.output import print_json, say, table
from t5gemma_app.cli.row_files import add_row_file, checkpoint_order, require_one_source, row_file, work_file
from t5gemma_app.errors import InputError
from t5gemma_app.settings import process_shard, take_own_gpu
from t5gemma_app.tasks.annotations import to_conll, to_data
from t5gemma_app.tasks.extraction import Extracted
from t5gemma_app.tasks.files.table import preview
from t5gemma_app.tasks.schemes import SCHEMES
from t5gemma_app.tasks.spans import AGGREGATIONS
from t5gemma_app.tasks.tag_rows import TASK, TagOrder, holds_words, tag_rows
from t5gemma_app.tasks.tagging import TagOptions, text_input

if TYPE_CHECKING:
    from t5gemma_app.checkpoints.records import Checkpoint
    from t5gemma_app.services import Services

RANDOM = "The head's weights are random: these labels mean nothing."


def add_tag(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    tag = commands.add_parser(
        "tag", help="label the words of a text or of a file of texts; several processes by `accelerate launch`"
    )
    tag.add_argument("--checkpoint", required=True, metavar="C", help="a name from `models list`, or a folder")
    tag.add_argument("--text", metavar="TEXT", help="a text to tag")
    add_row_file(tag)
    tag.add_argument(
        "--labels", default="", metavar="A,B,C", help="what to look for by asking; a checkpoint with a head has its own"
    )
    tag.add_argument("--first", action="store_true", help="mark the first place of an answer alone; with --labels")
    tag.add_argument(
        "--aggregation", default="first", choices=AGGREGATIONS, help="what decides a word of several pieces"
    )
    tag.add_argument("--scheme", default="auto", choices=("auto", *SCHEMES), help="how the head's labels mark spans")
    tag.add_argument("--threshold", type=float, default=0.0, metavar="P", help="leave out spans less probable")
    tag.add_argument("--words", action="store_true", help="the column holds words, as a list or with blanks between")
    tag.add_argument("--random-head", action="store_true", help="use a head that has no trained weights")
    tag.add_argument("--conll", action="store_true", help="print a word and its tag a line; with --text")
    tag.add_argument("--json", action="store_true", help="print a JSON object")
    tag.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Tag a text on standard output, or a file."""
    require_one_source(arguments)
    if arguments.pair_column:
        raise InputError("--pair-column is there.", expected="Tagging reads one column.")
    checkpoint = services.catalogue.resolve(arguments.checkpoint)
    options = TagOptions(arguments.aggregation, arguments.scheme, arguments.threshold, arguments.random_head)
    order = TagOrder(options, arguments.labels, not arguments.first, arguments.words)
    if checkpoint.random_head and arguments.random_head and process_shard().rank == 0:
        say(RANDOM)
    if arguments.file is None:
        return _text(arguments, services, checkpoint, order)
    return _file(arguments, services, checkpoint, order)


def _text(arguments: argparse.Namespace, services: Services, checkpoint: Checkpoint, order: TagOrder) -> int:
    found = _found(arguments.text, services, checkpoint, order)
    tagged = found.tagged
    for label, words in found.dropped:
        say(f"Left out, because the text does not hold it: {label} {words!r}")
    if arguments.json:
        dropped = [{"label": label, "text": words} for label, words in found.dropped]
        print_json(to_data(tagged) | ({"dropped": dropped} if order.labels else {}))
    elif arguments.conll:
        print(to_conll([tagged]), end="")
    else:
        rows = [
            (
                " ".join(tagged.text[span.start : span.end].split()),
                span.label,
                "" if span.score is None else f"{span.score:.1%}",
                f"{span.start}-{span.end}",
            )
            for span in tagged.spans
        ]
        print(table(("words", "label", "sure", "place"), rows, right=(2, 3)) if rows else "Nothing was found.")
    return 0


def _found(text: str, services: Services, checkpoint: Checkpoint, order: TagOrder) -> Extracted:
    tag_rows(services.tagger, services.extractor, checkpoint, order)  # says what does not fit before anything is loaded
    if checkpoint.head == "none":
        steps = services.extractor.ask(checkpoint, text, order.labels, every=order.every)
        return next(step for step in steps if isinstance(step, Extracted))
    (tagged,) = services.tagger.tag(checkpoint, [text_input(text)], order.options, urgent=True)
    return Extracted(tagged, ())


def _file(arguments: argparse.Namespace, services: Services, checkpoint: Checkpoint, order: TagOrder) -> int:
    chosen = row_file(arguments, usual=("text", "tokens", "words"))
    first = preview(chosen.table, 1)
    if first and holds_words(first[0].get(chosen.columns[0])):
        order = TagOrder(order.options, order.labels, order.every, words=True)
    work = tag_rows(services.tagger, services.extractor, checkpoint, order)
    shard = process_shard()
    take_own_gpu()
    whole = {"task": TASK, **checkpoint_order(checkpoint), "options": order.to_data()}
    done = work_file(chosen, work, whole, shard)
    if done is None:
        return 0
    counts = [{"label": label, "rows": count} for label, count in done.tally.most_common()]
    if arguments.json:
        print_json({"rows": done.count, "without_result": done.errors, "labels": counts})
    for entry in counts[:20]:
        say(f"{entry['rows']:>9,} rows with {entry['label']}")
    missing = f"; {done.errors:,} have no result, and say why" if done.errors else ""
    say(f"Wrote {done.count:,} rows to {arguments.output}{missing}.")
    return 0
