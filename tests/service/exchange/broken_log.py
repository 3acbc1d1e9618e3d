"""A log whose writes can be held up or made to fail, as disks do."""

import threading

from gavelbook.service.exchange.errors import LogError


class BrokenLog:
    """Passes everything on to ``log``, with what ``hold`` and ``fail`` say in between."""

    def __init__(self, log):
        self._log = log
        self._go_on = threading.Event()
        self._go_on.set()
        self.fail = False
        self.appended = []

    def __getattr__(self, name):
        return getattr(self._log, name)

    def hold(self):
        self._go_on.clear()

    def go_on(self):
        self._go_on.set()

    def append(self, entries, seal):
        assert self._go_on.wait(10)
        if self.fail:
            raise LogError("log_write_failed", "Expected a disk with room, was full")
        self._log.append(entries, seal)
        self.appended.append([entry.position for entry in entries])
