"""One clock and one recorder for a session."""

from __future__ import annotations

from smtpadmin.model.smtp import TranscriptLine
from smtpadmin.transport.smtp_wire import Wire


def test_notes_are_stamped_in_order() -> None:
    lines: list[TranscriptLine] = []
    wire = Wire(lines.append, ["hunter2"])
    wire.note("one")
    wire.recorder.received(wire.now(), b"250 hunter2\r\n")
    assert [line.line for line in lines] == ["one", "250 <redacted>"]
    assert 0 <= lines[0].t_ms <= lines[1].t_ms <= wire.now()
