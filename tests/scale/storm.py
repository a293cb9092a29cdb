"""A storm over processes: they are killed at random moments, one is frozen, and the database is restarted."""

from __future__ import annotations

import random
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.scale.village import Process, Village, until, working
from tests.support.postgres import Server


def storm(
    folder: Path, village: Village, server: Server, *, kills: int, chance: random.Random, hasty: bool
) -> list[Process]:
    """Have two workers and a daemon poll a village whose sources go on writing, while this comes over them; gives who
    worked, the worker that was frozen first.

    Whoever ended is started again at once, as a supervisor does, and every now and then a run comes from cron.
    """
    with working(folder, "frozen", "w0", "w1", hasty=hasty) as everyone:
        frozen, *at_work = everyone
        everyone += [Process(folder, "d0", "daemon", hasty=hasty)]
        at_work += everyone[-1:]
        until(lambda: len(village.polls) > len(village.names) / 2 and "started" in frozen.said)
        frozen.tell(signal.SIGSTOP)
        for number in range(kills):
            village.issues[chance.choice(village.names)] += 1
            time.sleep(chance.uniform(0.2, 1.2 if hasty else 2.5))
            if number == kills // 2:
                server.stop()
                time.sleep(chance.uniform(0, 2))
                server.start()
            if number % 3 == 2:
                everyone.append(Process(folder, f"p{len(everyone)}", "run", hasty=hasty))
                time.sleep(chance.uniform(0, 0.5))
            chance.choice([*at_work, everyone[-1]]).kill()
            for place, one in enumerate(at_work):
                if one.code is not None:
                    at_work[place] = Process(folder, f"p{len(everyone)}", one.command, hasty=hasty)
                    everyone.append(at_work[place])
        until(lambda: any("fell silent" in one.said for one in at_work), 60)
        frozen.tell(signal.SIGCONT)
        until(lambda: frozen.code is not None)
        with suppress(AssertionError):  # whose message is less than what is looked at next
            until(lambda: not village.lost, 90)
    return everyone
