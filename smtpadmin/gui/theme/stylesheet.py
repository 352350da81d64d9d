"""The style sheet, written from the tokens. Sizes are in em of the system font."""

from __future__ import annotations

from collections.abc import Mapping

_TEMPLATE = """
* {{ outline: 0; }}
QWidget {{ color: {text}; }}
QMainWindow, QDialog {{ background: {bg}; }}
QToolTip {{ color: {text}; background: {panel}; border: 1px solid {line}; padding: 4px; }}
QMenuBar {{ background: {side}; border: 0; padding: 2px 4px; }}
QMenuBar::item {{ padding: 4px 10px; border-radius: 4px; background: transparent; }}
QMenuBar::item:selected {{ background: {select}; }}
QMenu {{ background: {panel}; border: 1px solid {line}; padding: 4px; }}
QMenu::item {{ padding: 5px 28px 5px 10px; border-radius: 4px; }}
QMenu::item:selected {{ background: {select}; }}
QMenu::item:disabled {{ color: {muted}; }}
QMenu::separator {{ height: 1px; background: {line}; margin: 4px 8px; }}
#sidebar, #sidebar QTreeView, #sidebar QLineEdit {{ background: {side}; }}
#sidebar QTreeView {{ border: 0; show-decoration-selected: 0; }}
#sidebar QTreeView::branch {{ background: {side}; }}
#panel, #page, QStackedWidget, QScrollArea, #scrolled {{ background: {panel}; border: 0; }}
#header {{ background: {panel}; }}
#dialogGround {{ background: {bg}; border: 0; }}
QPushButton::menu-indicator {{ image: url(controls:down.svg); width: 12px; height: 12px;
  subcontrol-origin: padding; subcontrol-position: center right; right: 6px; }}
#menuButton {{ padding-right: 24px; }}
#line {{ background: {line}; }}
#title {{ font-size: 15pt; font-weight: 600; }}
#subtitle {{ font-size: 12pt; font-weight: 600; }}
#muted, #hint {{ color: {muted}; }}
#section {{ color: {muted}; font-size: 8.5pt; font-weight: 600; }}
QPushButton, QToolButton {{
  background: {panel}; border: 1px solid {line}; border-radius: 6px; padding: 4px 10px; }}
QPushButton:hover, QToolButton:hover {{ background: {bg}; border-color: {faint}; }}
QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QPlainTextEdit:focus,
QSpinBox:focus, QListView:focus {{ border: 1px solid {accent}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {muted}; background: {bg}; }}
QToolButton:checked {{ background: {select}; }}
#primary {{ background: {accent}; color: {on_accent}; border-color: {accent}; font-weight: 600; }}
#primary:hover {{ background: {accent}; border-color: {text}; }}
#primary:focus {{ border: 1px solid {text}; }}
#primary:disabled {{ background: {line}; color: {muted}; border-color: {line}; }}
#danger {{ color: {err}; }}
#dangerPrimary {{ background: {err}; color: {panel}; border-color: {err}; font-weight: 600; }}
#dangerPrimary:disabled {{ background: {line}; color: {muted}; border-color: {line}; }}
#flat, #link {{ border: 0; background: transparent; padding: 3px 6px; }}
#flat:hover, #flat:focus {{ background: {select}; border: 0; }}
#link {{ color: {accent}; }}
#link:hover, #link:focus {{ text-decoration: underline; }}
#paletteBox {{ background: {bg}; color: {muted}; text-align: left; padding: 4px 10px; }}
QLineEdit, QPlainTextEdit, QTextEdit, QComboBox, QSpinBox {{
  background: {panel}; border: 1px solid {line}; border-radius: 6px; padding: 4px 8px;
  selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit:disabled, QComboBox:disabled, QPlainTextEdit:disabled {{ color: {muted}; background: {bg}; }}
QLineEdit[problem="true"] {{ border: 1px solid {err}; }}
QComboBox QAbstractItemView {{ background: {panel}; border: 1px solid {line}; }}
QTabBar {{ background: transparent; border: 0; qproperty-drawBase: 0; }}
QTabBar::tab {{
  background: transparent; color: {muted}; padding: 7px 10px 6px 10px; margin-right: 6px;
  border: 0; border-bottom: 2px solid transparent; }}
#tight::tab {{ padding: 7px 6px 6px 6px; margin-right: 4px; }}
QTabBar::tab:selected {{ color: {text}; font-weight: 600; border-bottom: 2px solid {accent}; }}
QTabBar::tab:hover {{ color: {text}; }}
QTabBar::tab:focus {{ border-bottom: 2px solid {text}; }}
QTabBar QToolButton {{ background: {panel}; border: 0; border-radius: 0; padding: 0; }}
QTabBar QToolButton::left-arrow {{ image: url(controls:left.svg); }}
QTabBar QToolButton::right-arrow {{ image: url(controls:right.svg); }}
QComboBox::drop-down {{ border: 0; width: 22px; }}
QComboBox::down-arrow, QSpinBox::down-arrow {{ image: url(controls:down.svg);
  width: 14px; height: 14px; }}
QSpinBox::up-arrow {{ image: url(controls:up.svg); width: 14px; height: 14px; }}
QSpinBox::up-button, QSpinBox::down-button {{ border: 0; background: transparent; width: 22px; }}
QTabWidget::pane {{ border: 0; }}
QTableView, QTreeView, QListView {{
  background: {panel}; alternate-background-color: {alternate}; border: 0;
  selection-background-color: {select}; selection-color: {text}; gridline-color: {line}; }}
QTableView::item {{ padding: 0 12px; border: 0; }}
QHeaderView {{ background: {panel}; border: 0; }}
QHeaderView::section {{
  background: {panel}; color: {muted}; border: 0; border-bottom: 1px solid {line};
  padding: 5px 12px; font-weight: 600; }}
QHeaderView::section:hover {{ color: {text}; }}
#heat::item {{ padding: 0 2px; }}
#heat QHeaderView::section {{ padding: 5px 2px; }}
QSplitter::handle {{ background: {line}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}
QScrollBar:vertical {{ background: transparent; width: 11px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 11px; margin: 0; }}
QScrollBar::handle {{ background: {faint}; border-radius: 4px; margin: 2px; min-height: 24px;
  min-width: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QStatusBar {{ background: {side}; border-top: 1px solid {line}; }}
QStatusBar::item {{ border: 0; }}
QProgressBar {{ background: {line}; border: 0; border-radius: 3px; max-height: 6px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}
QCheckBox::indicator, QRadioButton::indicator, QTableView::indicator {{
  width: 14px; height: 14px; border: 1px solid {muted}; background: {panel}; }}
QCheckBox::indicator, QTableView::indicator {{ border-radius: 3px; }}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:focus, QRadioButton::indicator:focus {{ border-color: {accent}; }}
QCheckBox::indicator:checked, QTableView::indicator:checked {{ image: url(controls:check.svg); }}
QRadioButton::indicator:checked {{ image: url(controls:dot.svg); }}
#selectionBar {{ background: {select}; }}
#strip, #filterRow {{ background: {panel}; }}
#chip {{ border-radius: 9px; padding: 1px 9px; font-size: 9pt; }}
#chip:checked {{ background: {select}; border-color: {accent}; }}
#card {{ background: {panel}; border: 1px solid {line}; border-radius: 8px; }}
#filterProblem {{ background: {err_ground}; color: {text}; border: 1px solid {err};
  border-radius: 6px; padding: 4px 8px; }}
#toast {{ background: {text}; border-radius: 8px; }}
#toast Label {{ color: {panel}; }}
#toast QPushButton {{ color: {panel}; background: transparent; border: 1px solid {faint}; }}
"""

_TONE = """
#toggle[tone="{tone}"] {{ background: {ground}; color: {text}; border: 1px solid {ground};
  font-weight: 600; }}
#toggle[tone="{tone}"]:hover, #toggle[tone="{tone}"]:focus {{ border: 1px solid {text}; }}
#toggle[tone="{tone}"]:!checked {{ background: transparent; color: {muted};
  border: 1px dashed {line}; }}
#banner[tone="{tone}"] {{ background: {ground}; border-radius: 8px; }}
#banner[tone="{tone}"] Label {{ color: {plain}; }}
#banner[tone="{tone}"] #bannerTitle {{ font-weight: 600; }}
#pill[tone="{tone}"] {{ background: {ground}; color: {text}; border-radius: 8px;
  padding: 1px 8px; font-weight: 600; font-size: 8.5pt; }}
"""


def stylesheet(tokens: Mapping[str, str], tones: tuple[str, ...]) -> str:
    """The whole sheet for one palette."""
    sheet = _TEMPLATE.format(**tokens)
    for tone in tones:
        sheet += _TONE.format(
            tone=tone,
            text=tokens[tone],
            ground=tokens[f"{tone}_ground"],
            plain=tokens["text"],
            muted=tokens["muted"],
            line=tokens["line"],
        )
    return sheet
