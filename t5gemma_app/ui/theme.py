"""The look of the page: one neutral scale, one accent, system fonts; the rest is in `static/workbench.css`.

Refuses to know any component; nothing here is fetched from outside.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

STATIC = Path(__file__).parent / "static"
STYLESHEETS = tuple(
    STATIC / f"{name}.css"
    for name in ("workbench", "compare", "classify", "tagging", "looking", "evaluate", "leaderboard", "training")
)
SCRIPTS = tuple(
    STATIC / f"{name}.js" for name in ("workbench", "compare", "classify", "tagging", "looking", "leaderboard")
)
ICON = STATIC / "favicon.svg"

# Grey with a breath of green, so that the accent belongs to it instead of sitting on top.
NEUTRAL = gr.themes.Color(
    name="stone",
    c50="#fafaf8",
    c100="#f3f4f1",
    c200="#e6e8e3",
    c300="#d2d6cf",
    c400="#a3aaa1",
    c500="#737b72",
    c600="#565e56",
    c700="#3f463f",
    c800="#262b27",
    c900="#1a1e1b",
    c950="#121513",
)
ACCENT = gr.themes.Color(
    name="pine",
    c50="#eef7f4",
    c100="#d6ece5",
    c200="#aed9cc",
    c300="#7fc1ae",
    c400="#4fa48f",
    c500="#2c8672",
    c600="#1d6c5b",
    c700="#19574a",
    c800="#17463d",
    c900="#143a33",
    c950="#0a211d",
)
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")


def build_theme() -> gr.themes.Base:
    """Return the theme, with light and dark values for everything that differs."""
    theme = gr.themes.Base(
        primary_hue=ACCENT,
        secondary_hue=NEUTRAL,
        neutral_hue=NEUTRAL,
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_md,
        text_size=gr.themes.sizes.text_md,
        font=[gr.themes.Font(name) for name in SANS],
        font_mono=[gr.themes.Font(name) for name in MONO],
    )
    return theme.set(**_surfaces(), **_fields(), **_buttons())


def _surfaces() -> dict[str, str]:
    return {
        "body_background_fill": "*neutral_50",
        "body_background_fill_dark": "*neutral_950",
        "body_text_color": "*neutral_900",
        "body_text_color_dark": "#e9ece8",
        "body_text_color_subdued": "*neutral_600",
        "body_text_color_subdued_dark": "*neutral_400",
        "background_fill_primary": "white",
        "background_fill_primary_dark": "*neutral_900",
        "background_fill_secondary": "*neutral_100",
        "background_fill_secondary_dark": "*neutral_800",
        "border_color_primary": "*neutral_200",
        "border_color_primary_dark": "#323832",
        "border_color_accent": "*primary_500",
        "border_color_accent_dark": "*primary_400",
        "color_accent": "*primary_600",
        "color_accent_soft": "*primary_50",
        "color_accent_soft_dark": "#1b2f2a",
        "link_text_color": "*primary_600",
        "link_text_color_dark": "*primary_300",
        "link_text_color_hover": "*primary_700",
        "link_text_color_hover_dark": "*primary_200",
        "link_text_color_visited": "*primary_600",
        "link_text_color_visited_dark": "*primary_300",
        "block_background_fill": "transparent",
        "block_background_fill_dark": "transparent",
        "block_border_width": "0px",
        "block_shadow": "none",
        "block_padding": "0px",
        "block_label_background_fill": "transparent",
        "block_label_background_fill_dark": "transparent",
        "block_title_text_size": "13px",
        "block_title_text_weight": "500",
        "block_title_text_color": "*neutral_700",
        "block_title_text_color_dark": "*neutral_300",
        "block_info_text_size": "12px",
        "block_info_text_color": "*neutral_600",
        "block_info_text_color_dark": "*neutral_400",
        "panel_background_fill": "transparent",
        "panel_background_fill_dark": "transparent",
        "panel_border_width": "0px",
        "layout_gap": "16px",
        "form_gap_width": "16px",
        "table_row_focus": "*primary_50",
        "table_row_focus_dark": "#1b2f2a",
        "table_even_background_fill": "white",
        "table_even_background_fill_dark": "*neutral_900",
        "table_odd_background_fill": "white",
        "table_odd_background_fill_dark": "*neutral_900",
        "table_border_color": "*neutral_200",
        "table_border_color_dark": "#323832",
    }


def _fields() -> dict[str, str]:
    return {
        "input_background_fill": "white",
        "input_background_fill_dark": "*neutral_900",
        "input_background_fill_focus": "white",
        "input_background_fill_focus_dark": "*neutral_900",
        "input_border_width": "1px",
        "input_border_color": "*neutral_300",
        "input_border_color_dark": "#3c433d",
        "input_border_color_focus": "*primary_500",
        "input_border_color_focus_dark": "*primary_400",
        "input_shadow": "none",
        "input_shadow_focus": "none",
        "input_shadow_focus_dark": "none",
        "input_placeholder_color": "*neutral_500",
        "input_placeholder_color_dark": "*neutral_500",
        "input_text_size": "14px",
        "slider_color": "*primary_500",
        "slider_color_dark": "*primary_400",
        "loader_color": "*primary_500",
        "checkbox_background_color_selected": "*primary_600",
        "checkbox_background_color_selected_dark": "*primary_500",
        "checkbox_border_color_selected": "*primary_600",
        "checkbox_border_color_selected_dark": "*primary_500",
        "checkbox_label_background_fill": "transparent",
        "checkbox_label_background_fill_dark": "transparent",
        "checkbox_label_background_fill_selected": "*primary_50",
        "checkbox_label_background_fill_selected_dark": "#1b2f2a",
        "checkbox_label_border_width": "0px",
        "checkbox_label_shadow": "none",
        "checkbox_shadow": "none",
    }


def _buttons() -> dict[str, str]:
    return {
        "button_border_width": "1px",
        "button_transition": "background-color 120ms ease, border-color 120ms ease",
        "button_transform_hover": "none",
        "button_transform_active": "none",
        "button_large_text_weight": "500",
        "button_large_text_size": "14px",
        "button_large_padding": "8px 16px",
        "button_medium_text_weight": "500",
        "button_medium_text_size": "14px",
        "button_medium_padding": "8px 14px",
        "button_small_text_weight": "500",
        "button_small_text_size": "13px",
        "button_small_padding": "5px 10px",
        "button_primary_background_fill": "*primary_600",
        "button_primary_background_fill_dark": "*primary_500",
        "button_primary_background_fill_hover": "*primary_700",
        "button_primary_background_fill_hover_dark": "*primary_400",
        "button_primary_border_color": "transparent",
        "button_primary_border_color_dark": "transparent",
        "button_primary_text_color": "white",
        "button_primary_text_color_dark": "#06120f",
        "button_primary_shadow": "none",
        "button_secondary_background_fill": "white",
        "button_secondary_background_fill_dark": "*neutral_900",
        "button_secondary_background_fill_hover": "*neutral_100",
        "button_secondary_background_fill_hover_dark": "*neutral_800",
        "button_secondary_border_color": "*neutral_300",
        "button_secondary_border_color_dark": "#3c433d",
        "button_secondary_text_color": "*neutral_800",
        "button_secondary_text_color_dark": "*neutral_200",
        "button_secondary_shadow": "none",
    }
