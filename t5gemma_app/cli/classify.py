"""`classify`: one text, or a file of them."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from t5gemma_app.cli.output import print_json, say, table
from t5gemma_app.cli.row_files import add_row_file, checkpoint_order, require_one_source, row_file, work_file
from t5gemma_app.errors import InputError
from t5gemma_app.settings import process_shard, take_own_gpu
from t5gemma_app.tasks.classification import THRESHOLD, ClassifyOptions
from t5gemma_app.tasks.classify_rows import TASK, ClassifyRows
from t5gemma_app.tasks.labels import NONE
from t5gemma_app.tasks.occlusion import Occluded, occlude
from t5gemma_app.tasks.verdicts import Unread, Verdict
from t5gemma_app.tasks.wordings import WORDINGS

if TYPE_CHECKING:
    from t5gemma_app.checkpoints.records import Checkpoint
    from t5gemma_app.services import Services


def add_classify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    classify = commands.add_parser(
        "classify", help="label a text or a file of texts; several processes by `accelerate launch`"
    )
    classify.add_argument("--checkpoint", required=True, metavar="C", help="a name from `models list`, or a folder")
    classify.add_argument(
        "--labels", default="", metavar="A,B,C", help="labels to choose from; a checkpoint with a head has its own"
    )
    classify.add_argument("--text", metavar="TEXT", help="a text to label")
    classify.add_argument("--pair", metavar="TEXT", help="a second text that belongs to the first")
    add_row_file(classify)
    names = ", ".join(wording.name for wording in WORDINGS)
    classify.add_argument(
        "--wording", default="", metavar="W", help=f"{names}, or a text with {{text}} and {{label}}; without a head"
    )
    classify.add_argument("--several", action="store_true", help="any number of labels may fit; without a head")
    classify.add_argument("--none", action="store_true", help=f"offer {NONE!r} too; without a head")
    classify.add_argument("--calibrate", action="store_true", help="take off what is probable without a text")
    classify.add_argument("--normalise", action="store_true", help="divide log-probabilities by the labels' tokens")
    classify.add_argument("--whole", action="store_true", help="score that a label ends too; without a head")
    classify.add_argument(
        "--threshold", type=float, default=THRESHOLD, metavar="P", help=f"of several labels (default {THRESHOLD})"
    )
    classify.add_argument("--why", action="store_true", help="which words mattered, each left out once")
    classify.add_argument("--random-head", action="store_true", help="use a head that has no trained weights")
    classify.add_argument("--json", action="store_true", help="print a JSON object")
    classify.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Label a text on standard output, or a file."""
    require_one_source(arguments)
    checkpoint = services.catalogue.resolve(arguments.checkpoint)
    options = ClassifyOptions(
        labels=arguments.labels,
        wording=arguments.wording,
        several=arguments.several,
        none=arguments.none,
        calibrate=arguments.calibrate,
        normalise=arguments.normalise,
        whole=arguments.whole,
        threshold=arguments.threshold,
        random_head=arguments.random_head,
    )
    if arguments.file is None:
        return _text(arguments, services, checkpoint, options)
    return _file(arguments, services, checkpoint, options)


def _text(arguments: argparse.Namespace, services: Services, checkpoint: Checkpoint, options: ClassifyOptions) -> int:
    one = services.classification.checked(arguments.text, arguments.pair)
    classifier = services.classification.classifier(checkpoint, options)
    verdict = classifier.classify([one], urgent=True)[0]
    if isinstance(verdict, Unread):
        raise InputError(verdict.why)
    why = None
    if arguments.why and verdict.scores:
        label = (verdict.chosen or (verdict.ranked[0].label,))[0]
        *_, why = occlude(classifier, one, label)
    for note in classifier.notes:
        say(note)
    if arguments.json:
        print_json(document(verdict) | ({} if why is None else {"words": _words(why, one.text, one.pair or "")}))
        return 0
    print(verdict.label)
    if verdict.scores:
        rows = [(s.label, f"{s.probability:.1%}", f"{s.logprob:.3f}") for s in verdict.ranked]
        say(table(("label", "share", "log-probability"), rows, right=(1, 2)))
        say(f"margin {verdict.margin:.1%}")
    if why is not None:
        most = sorted(_words(why, one.text, one.pair or ""), key=lambda word: -abs(word["change"]))[:8]
        lost = [(word["text"], f"{word['change']:+.1%}") for word in most]
        say(table(("left out", "share lost"), lost, right=(1,)))
    return 0


def document(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON values."""
    return {
        "label": None if verdict.number is not None else verdict.label,
        "labels": list(verdict.chosen),
        "scores": {score.label: score.probability for score in verdict.ranked},
        "logprobs": {score.label: score.logprob for score in verdict.ranked},
        "margin": verdict.margin,
        **({} if verdict.none_probability is None else {"none": verdict.none_probability}),
        **({} if verdict.number is None else {"number": verdict.number}),
    }


def _words(why: Occluded, first: str, second: str) -> list[dict[str, Any]]:
    return [
        {
            "text": (second if effect.second else first)[effect.start : effect.end],
            "start": effect.start,
            "end": effect.end,
            "change": effect.change,
            **({"pair": True} if effect.second else {}),
        }
        for effect in why.effects
    ]


def _file(arguments: argparse.Namespace, services: Services, checkpoint: Checkpoint, options: ClassifyOptions) -> int:
    classification = services.classification
    classifier = classification.classifier(checkpoint, options)
    chosen = row_file(arguments)
    shard = process_shard()
    take_own_gpu()
    if shard.rank == 0:
        for note in classifier.notes:
            say(note)
    order = {"task": TASK, **checkpoint_order(checkpoint), "options": asdict(options)}
    done = work_file(chosen, ClassifyRows(classification, checkpoint, classifier), order, shard)
    if done is None:
        return 0
    counts = [{"label": label, "rows": count} for label, count in done.tally.most_common()]
    if arguments.json:
        print_json({"rows": done.count, "without_result": done.errors, "labels": counts})
    for entry in counts[:20]:
        say(f"{entry['rows']:>9,}  {entry['label']}")
    missing = f"; {done.errors:,} have no label, and say why" if done.errors else ""
    say(f"Wrote {done.count:,} rows to {arguments.output}{missing}.")
    return 0
