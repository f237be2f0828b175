"""The page as a whole: header, tabs, endpoints, and how it is served."""

from __future__ import annotations

import logging
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
from huggingface_hub.constants import HF_HOME

from t5gemma_app.errors import PortTakenError, SettingsError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.settings import Settings
from t5gemma_app.ui.access_words import opening_checkpoint
from t5gemma_app.ui.api import build_endpoints
from t5gemma_app.ui.chat_tab import CHEAP, build_chat_tab
from t5gemma_app.ui.classify_api import build_classify_endpoint
from t5gemma_app.ui.classify_tab import build_classify_tab
from t5gemma_app.ui.compare_tab import build_compare_tab
from t5gemma_app.ui.evaluate_api import build_run_endpoints
from t5gemma_app.ui.evaluate_board import RunBoard
from t5gemma_app.ui.evaluate_tab import build_evaluate_tab
from t5gemma_app.ui.evaluate_words import banner_words
from t5gemma_app.ui.header import BANNER_SCRIPT, NAME, banner_html, header_html
from t5gemma_app.ui.leaderboard_tab import build_leaderboard_tab
from t5gemma_app.ui.look_tab import build_look_tab
from t5gemma_app.ui.models_tab import build_models_tab
from t5gemma_app.ui.openai.routes import openai_mount
from t5gemma_app.ui.picker import opened
from t5gemma_app.ui.run_desk import RunDesk
from t5gemma_app.ui.running import OTHER_THREADS, readers, unread
from t5gemma_app.ui.tag_api import build_tag_endpoints
from t5gemma_app.ui.tag_tab import build_tag_tab
from t5gemma_app.ui.theme import ICON, SCRIPTS, STYLESHEETS, build_theme
from t5gemma_app.ui.train_tab import build_train_tab
from t5gemma_app.ui.unchanged import LEAN, UNCHANGED

logger = logging.getLogger(__name__)

HEADER_SECONDS = 5.0
SESSIONS = 500
"""Pages whose state is kept; Gradio's own default of 10,000 suits machines with more memory than a free Space."""
CACHE_SECONDS = (3600, 86400)
"""How often uploaded files are looked through, and how old they may grow."""


def build(services: Services) -> gr.Blocks:
    """Return the page."""
    with gr.Blocks(
        title=NAME, analytics_enabled=False, delete_cache=CACHE_SECONDS, fill_width=True, elem_id="workbench"
    ) as blocks:
        with gr.Column(elem_id="top"):
            header = gr.HTML(header_html(services.engine.status()), apply_default_css=False, elem_id="header")
            banner = gr.HTML("", js_on_load=BANNER_SCRIPT, apply_default_css=False, elem_id="banner")
        desk, live = RunDesk(services), RunBoard(services)
        # Before the tabs, whose steps would otherwise take the endpoints' names.
        build_endpoints(services)
        build_classify_endpoint(services)
        build_tag_endpoints(services)
        build_run_endpoints(desk)
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Chat", id="chat") as chatting:
                chat = build_chat_tab(blocks, services, chatting)
            with gr.Tab("Compare", id="compare") as compare:
                build_compare_tab(blocks, services, compare)
            with gr.Tab("Classify", id="classify") as classifying:
                classify = build_classify_tab(blocks, services, classifying)
            with gr.Tab("Tag", id="tag") as tagging:
                tag = build_tag_tab(blocks, services, tagging)
            with gr.Tab("Look inside", id="look") as inside:
                build_look_tab(services, inside)
            with gr.Tab("Evaluate", id="evaluate") as evaluate:
                runs = build_evaluate_tab(blocks, services, evaluate, banner, desk, live)
            with gr.Tab("Leaderboard", id="leaderboard") as board:
                build_leaderboard_tab(services, board)
            with gr.Tab("Train", id="train") as train:
                trained = build_train_tab(blocks, services, train)
            with gr.Tab("Models", id="models") as models:
                build_models_tab(services, models)
        _wire_header(blocks, services, live, header, banner)
        for event, name in ((banner.evaluate, "evaluate"), (runs.leaderboard, "leaderboard")):
            event(None, None, tabs, js=f"() => ({{ __type__: 'update', selected: '{name}' }})", **CHEAP)
        pickers = (chat, classify, tag)

        def use(event: gr.EventData) -> list[Any]:
            return opened(pickers, event._data)

        trained.use(use, None, [*(picker.control for picker in pickers), tabs], **CHEAP)
    return blocks


def _wire_header(blocks: gr.Blocks, services: Services, board: RunBoard, header: gr.HTML, banner: gr.HTML) -> None:
    shown = gr.State("")

    def refreshed(before: str) -> tuple[Any, Any, Any]:
        html, above = header_html(services.engine.status()), current_banner(services, board)
        if html + above == before:
            return UNCHANGED, UNCHANGED, gr.skip()  # an open fold of the header stays open
        return html, above, html + above

    outputs = [header, banner, shown]
    blocks.load(refreshed, shown, outputs, **CHEAP, **LEAN)
    gr.Timer(HEADER_SECONDS).tick(refreshed, shown, outputs, **CHEAP, **LEAN)


def current_banner(services: Services, board: RunBoard | None = None) -> str:
    """Return the banner for what is known now, runs included where they are given."""
    states = {services.access.of(checkpoint).state for checkpoint in services.catalogue.all() if checkpoint.gated}
    opening = opening_checkpoint(services)
    return banner_html(
        services.catalogue.problems,
        states,
        answering=opening.name if opening else "",
        data_folder=services.data_folder,
        space=services.settings.space,
        evaluating=_evaluating(board) if board else "",
    )


def _evaluating(board: RunBoard) -> str:
    try:
        return banner_words(board.snapshot())
    except WorkbenchError:
        return ""  # the Evaluate tab says why runs can't be read


def launch(blocks: gr.Blocks, services: Services, *, block: bool = True) -> str:
    """Serve the page and start the engine behind it; returns the page's address.

    Args:
        blocks: The page.
        services: What it works with.
        block: Whether to stay until the process is interrupted.

    Raises:
        PortTakenError: Another program listens on the port.
        SettingsError: Programs of strangers would need no key, or what a setting needs is not installed.
    """
    settings = services.settings
    blocks.queue(api_open=False, max_size=unread(settings), default_concurrency_limit=4)
    options = _launch_options(services)
    if settings.openai:
        options["app_kwargs"] = {"routes": [openai_mount(services)]}  # looked at before Gradio's own
    try:
        _, address, _ = blocks.launch(
            server_name=settings.host,
            server_port=settings.port,
            prevent_thread_lock=True,
            **options,
        )
    except OSError as error:
        raise _port_taken(settings) from error
    logger.info("The page is at %s", address)
    if settings.openai:
        key = "with the key of T5GEMMA_API_KEY" if settings.api_key else "without a key: only this machine reaches it"
        logger.info("OpenAI's clients find the app at %sv1, %s", address, key)
    threading.Thread(target=_warm_up, args=(services,), name="warm-up", daemon=True).start()
    if block:
        blocks.block_thread()
    return str(address)


def _launch_options(services: Services) -> dict[str, Any]:
    return {
        "theme": build_theme(),
        "css": "\n".join(path.read_text(encoding="utf-8") for path in STYLESHEETS),
        "head": "".join(f"<script>{path.read_text(encoding='utf-8')}</script>" for path in SCRIPTS),
        "favicon_path": ICON,
        "ssr_mode": False,
        "enable_monitoring": False,
        "show_error": False,
        "run_history": False,
        "mcp_server": _offers_tools(services.settings),
        "pwa": False,
        "share": False,
        "quiet": True,
        "footer_links": ["api"],
        "max_file_size": f"{services.settings.max_upload_mb}mb",
        "max_threads": readers(services.settings) + OTHER_THREADS,
        "state_session_capacity": SESSIONS,
        "blocked_paths": _private_folders(services),
    }


def _offers_tools(settings: Settings) -> bool:
    """Return whether the endpoints are offered as tools of the Model Context Protocol too."""
    if settings.mcp and find_spec("mcp") is None:
        raise SettingsError(
            "T5GEMMA_MCP is on, and the library for it is not installed.",
            remedy='Install it with pip install "gradio[mcp]", or unset the variable.',
        )
    return settings.mcp


def _private_folders(services: Services) -> list[str]:
    """Return folders that no address of the page may reach, whatever a handler returns."""
    return [str(services.data_folder.path.resolve()), str(Path(HF_HOME).resolve())]


def _warm_up(services: Services) -> None:
    services.engine.start()
    services.files().begin()  # files that an earlier process left go on
    services.training().begin()  # and so do training runs
    try:
        services.evaluator().begin()  # runs that an earlier process left go on
    except WorkbenchError as error:
        logger.warning("Evaluations can't be run: %s", error)
    services.access.refresh(services.catalogue.all())


def _port_taken(settings: Settings) -> PortTakenError:
    return PortTakenError(
        f"The port {settings.port} on {settings.host} can't be used: another program listens there, or it is reserved.",
        remedy=f"Stop that program, or choose another port: T5GEMMA_PORT={settings.port + 1}.",
    )


def serve(services: Services) -> None:
    """Build and serve the page until the process is interrupted."""
    try:
        launch(build(services), services)
    finally:
        services.close()
