"""Four views of a message, and saving it."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from smtpadmin.gui.widgets.message_views import MOST_TEXT, MessageViews
from smtpadmin.model.errors import StorageError

pytestmark = pytest.mark.gui


def message() -> bytes:
    made = EmailMessage()
    made["Subject"] = "Grüße"
    made["From"] = "a@example.org"
    made.set_content("Hello\n\twith a tab")
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="r.pdf")
    return made.as_bytes()


async def test_the_views_show_fields_text_and_parts() -> None:
    views = MessageViews()
    await views.show_message(message())
    assert "Subject: Grüße" in views.texts["Headers"].toPlainText()
    assert "Hello" in views.texts["Body"].toPlainText()
    assert "=?utf-8?" in views.texts["Raw"].toPlainText()
    root = views.structure.tree.topLevelItem(0)
    assert root is not None
    assert [root.child(n).text(2) for n in range(root.childCount())] == ["", "r.pdf"]


async def test_a_part_is_saved_decoded_and_never_over_another_file(tmp_path: Path) -> None:
    views, wanted = MessageViews(), []
    views.structure.save_wanted.connect(lambda *args: wanted.append(args))
    raw = message()
    await views.show_message(raw)
    root = views.structure.tree.topLevelItem(0)
    assert root is not None
    assert not views.structure.save_part.isEnabled()
    views.structure.tree.setCurrentItem(root.child(1))
    views.structure.save_part.click()
    views.structure.save_all.click()
    assert wanted == [("2", "r.pdf"), ("", "message.eml")]
    assert await views.save("2", tmp_path / "r.pdf") == 4
    assert (tmp_path / "r.pdf").read_bytes() == b"%PDF"
    await views.save("", tmp_path / "m.eml")
    assert (tmp_path / "m.eml").read_bytes() == raw
    with pytest.raises(StorageError, match="Choose another name"):
        await views.save("", tmp_path / "m.eml")


async def test_a_long_message_is_cut_and_says_so_and_clear_forgets() -> None:
    views = MessageViews()
    await views.show_message(b"Subject: x\r\n\r\n" + b"word \x07\r\n" * (MOST_TEXT // 4))
    for name in ("Body", "Raw"):
        text = views.texts[name].toPlainText()
        assert len(text) < MOST_TEXT + 200
        assert "cut here" in text
    views.clear()
    assert views.raw == b""
    assert views.structure.tree.topLevelItemCount() == 0
    assert not views.structure.save_all.isEnabled()
