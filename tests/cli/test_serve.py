import socket

from t5gemma_app.cli.main import main


def test_the_page_is_built_and_a_taken_port_is_told(build, engine, capsys, monkeypatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("T5GEMMA_PORT", str(port))
        assert main(["serve"], build) == 2
    assert f"The port {port}" in capsys.readouterr().err
    assert engine.closed
