"""A storm over workers: they are killed at random moments, one is frozen, and the database is restarted."""

from __future__ import annotations

import random
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.scale.village import Process, Village, until, working
from tests.support.postgres import Server


def storm(folder: Path, village: Village, server: Server, *, kills: int, chance: random.Random) -> list[Process]:
    """Have two workers poll a village whose sources go on writing, while this comes over them; gives who worked.

    A worker that ended is started again at once, as a supervisor does.
    """
    with working(folder, "w0", "w1", "frozen") as everyone:
        frozen = everyone[2]
        at_work = everyone[:2]
        until(lambda: len(village.polls) > len(village.names) / 2, 30, lambda: everyone[0].said)
        frozen.tell(signal.SIGSTOP)
        for number in range(kills):
            village.issues[chance.choice(village.names)] += 1
            time.sleep(chance.uniform(0.2, 2.5))
            if number == kills // 2:
                server.stop()
                time.sleep(chance.uniform(0, 2))
                server.start()
            at = chance.randrange(len(at_work))
            at_work[at].kill()
            for place, one in enumerate(at_work):
                if one.code is not None:
                    at_work[place] = Process(folder, f"w{len(everyone)}", "worker")
                    everyone.append(at_work[place])
        until(lambda: any("silent workers" in one.said for one in at_work), 60)
        frozen.tell(signal.SIGCONT)
        until(lambda: frozen.code is not None)
        with suppress(AssertionError):  # whose message is less than what is looked at next
            until(lambda: not village.lost, 90)
    return everyone
