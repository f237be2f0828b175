from __future__ import annotations

import pytest

from t5gemma_app.checkpoints.folder import check_files, read_folder
from t5gemma_app.engine.initialise import initialise_checkpoint
from t5gemma_app.engine.types import GenerationRequest, Piece, SamplingParameters
from t5gemma_app.errors import InputError


def write(folder, tokenizer, **changes):
    values = {"encoder_size": "b", "decoder_size": "s", "vocabulary": 512, "dtype": "bfloat16", "seed": 3, **changes}
    initialise_checkpoint(folder, values.pop("encoder_size"), values.pop("decoder_size"), tokenizer=tokenizer, **values)


def test_an_unbalanced_pair_answers(tmp_path, tiny_folder, engine):
    write(tmp_path / "b-s", tiny_folder)
    checkpoint = read_folder(tmp_path / "b-s")
    check_files(tmp_path / "b-s")
    assert checkpoint.pair == "b-s"
    prompt = (Piece("<bos>", control=True), Piece("hello"))
    (result,) = engine.generate_batch(checkpoint, [prompt], SamplingParameters(max_new_tokens=3))
    assert len(result.token_ids) == 3
    request = GenerationRequest(checkpoint, prompt, SamplingParameters(max_new_tokens=3))
    assert list(engine.generate(request))[-1].result.token_ids == result.token_ids
    engine.unload(checkpoint.name)


def test_refusals(tmp_path, tiny_folder):
    with pytest.raises(InputError, match="holds a checkpoint already"):
        write(tiny_folder, tiny_folder)
    with pytest.raises(InputError, match=r"no tokenizer\.json"):
        write(tmp_path / "x", tmp_path)
    with pytest.raises(InputError, match="'huge' is not known"):
        write(tmp_path / "x", tiny_folder, encoder_size="huge")
    assert not (tmp_path / "x").exists()
