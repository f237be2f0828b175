import io
import json
import re
import signal
import subprocess
import sys
import textwrap

import pytest

from t5gemma_app.cli.main import main

CHAT = ["chat", "--checkpoint", "tiny", "--prompt", "one two"]


def test_the_answer_is_on_standard_output_and_what_it_cost_on_standard_error(build, capsys) -> None:
    assert main(CHAT, build) == 0
    printed = capsys.readouterr()
    assert printed.out == "You said: one two\n"
    assert "Loading tiny" in printed.err
    assert "tokens in" in printed.err


def test_json_is_one_document(build, capsys) -> None:
    assert main([*CHAT, "--json", "--seed", "7", "--max-new-tokens", "2"], build) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["text"], document["finish_reason"]) == ("You said:", "length")
    assert document["statistics"]["seed"] == 7
    assert document["prompt"]["limit"] == 512


def test_flags_reach_the_engine(build, engine) -> None:
    flags = "--preset creative --top-k 5 --min-p 0.2 --repetition-penalty 1.1 --stop x --stop y --system s"
    assert main([*CHAT, *flags.split()], build) == 0
    (request,) = engine.requests
    parameters = request.parameters
    assert (parameters.temperature, parameters.top_k, parameters.min_p) == (1.1, 5, 0.2)
    assert (parameters.repetition_penalty, parameters.stop) == (1.1, ("x", "y"))
    assert request.pieces[2].text == "user\ns\n\none two"


def test_a_dash_reads_standard_input(build, capsys, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe"))
    assert main([*CHAT[:-1], "-"], build) == 0
    assert capsys.readouterr().out == "You said: from a pipe\n"


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--temperature", "-1"], "temperature is -1"),
        (["--top-p", "0.5"], "--top-p has no effect"),
        (["--greedy", "--temperature", "1"], "contradict"),
        (["--preset", "wild"], "no preset 'wild'"),
        (["--system", "x" * 100_001], "100,001 characters"),
        (["--prompt", " "], "empty"),
        (["--prompt", "w " * 600], "60\\d tokens.*takes 512"),
        (["--checkpoint", "nothing"], "no checkpoint 'nothing'"),
    ],
)
def test_bad_input_is_2_and_says_what(build, capsys, flags, says) -> None:
    assert main([*CHAT, *flags], build) == 2
    assert re.search(says, capsys.readouterr().err)


def test_a_wish_beyond_the_limit_is_cut_and_told(build, engine, capsys) -> None:
    assert main([*CHAT, "--max-new-tokens", "5000"], build) == 0
    assert "1,024" in capsys.readouterr().err
    assert engine.requests[0].parameters.max_new_tokens == 1024


def test_an_interruption_cancels_the_answer_and_is_130(tmp_path) -> None:
    # Whoever starts the tests in the background hands an ignored SIGINT down to them.
    program = textwrap.dedent("""
        import signal
        import sys
        from dataclasses import replace

        signal.signal(signal.SIGINT, signal.default_int_handler)
        from t5gemma_app.checkpoints.catalogue import Catalogue
        from t5gemma_app.checkpoints.records import Checkpoint
        from t5gemma_app.cli.main import main
        from t5gemma_app.engine.fake import FakeEngine
        from t5gemma_app.services import build_services

        engine = FakeEngine(delay=0.3)
        begun = []
        whole = engine.generate
        engine.generate = lambda request: begun.append(whole(request)) or begun[0]
        tiny = Checkpoint("tiny", "local", "/tiny")

        def build(settings):
            return replace(build_services(settings, engine), catalogue=Catalogue((tiny,)))

        code = main(["chat", "--checkpoint", "tiny", "--prompt", "word " * 200], build)
        print("cancelled" if begun[0].cancelled.is_set() else "still running", file=sys.stderr)
        sys.exit(code)
    """)
    running = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"T5GEMMA_DATA_DIR": str(tmp_path), "HF_HUB_OFFLINE": "1"},
    )
    assert running.stdout is not None
    assert running.stdout.read(3) == "You"
    running.send_signal(signal.SIGINT)
    _, words = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Interrupted." in words
    assert words.endswith("cancelled\n")
    assert "Traceback" not in words
