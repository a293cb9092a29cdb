"""Sends what is in the outbox: claims, hands to the sink, marks."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from feedbot import faults
from feedbot.core.outbox import lease_until, verdict
from feedbot.engine.report import SinkReport
from feedbot.errors import DeliveryError, LeaseLostError
from feedbot.model import Delivery, DeliveryState, Entry
from feedbot.plugins import Sink
from feedbot.store.outbox import Outbox

_FAILURES_THAT_STOP = 3  # in a row, of the sink as a whole: the rest would fare no better in this run

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Dispatching:
    """All that sending needs to know and to reach."""

    store: Outbox
    present: Callable[[Entry], Entry]
    lease: str
    clock: Callable[[], datetime]
    stop: threading.Event


def dispatch(sinks: Sequence[tuple[str, Callable[[], Sink]]], dispatching: Dispatching) -> dict[str, SinkReport]:
    """Send what is due, each sink in a thread of its own, oldest delivery first.

    Raises StateError where the outbox cannot be written; what was sent and not marked is then sent again
    under the same key.
    """
    reports = {name: SinkReport(name=name) for name, _ in sinks}
    failures: list[Exception] = []

    def work(name: str, make: Callable[[], Sink]) -> None:
        try:
            _drain(name, make, dispatching, reports[name])
        except Exception as error:  # of the state, or a bug: told where the run is
            failures.append(error)
            dispatching.stop.set()

    threads = [threading.Thread(target=work, args=sink, name=f"sink {sink[0]}", daemon=True) for sink in sinks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return reports


def _drain(name: str, make: Callable[[], Sink], dispatching: Dispatching, report: SinkReport) -> None:
    down = 0
    sink: Sink | None = None
    try:
        while down < _FAILURES_THAT_STOP and not dispatching.stop.is_set():
            now = dispatching.clock()
            claimed = dispatching.store.claim(name, dispatching.lease, lease_until(now), now)
            if claimed is None:
                return
            try:
                sink = sink or make()
                sink.send(replace(claimed, entry=dispatching.present(claimed.entry)), now)
                faults.reach("sent")
            except DeliveryError as error:
                down = down + 1 if error.sink_down else 0
                _failed(claimed, error, dispatching, report)
                if error.permanent and error.sink_down:  # it wants no more of anything, ever
                    dispatching.store.move(DeliveryState.HELD, now, sink=name, only=DeliveryState.PENDING)
                    report.errors.append(f"its other deliveries are held (feedbot queue release --sink {name})")
                    return
            except Exception as failure:  # a fault of one sink must not stop the others
                log.debug("sink %s failed", name, exc_info=True)
                fault = DeliveryError(
                    f"unexpected {type(failure).__name__}: {failure}", "please report this", refused=True
                )
                down = 0
                _failed(claimed, fault, dispatching, report)
            else:
                down = 0
                report.sent += 1
                log.debug("sink %s: delivery %d (%s) sent, try %d", name, claimed.pk, claimed.key, claimed.attempts)
                dispatching.store.mark(claimed.pk, dispatching.lease, DeliveryState.SENT, dispatching.clock())
    except LeaseLostError as error:
        report.errors.append(error.message)
    finally:
        if sink is not None:
            _close(sink, report)


def _close(sink: Sink, report: SinkReport) -> None:
    try:
        sink.close()
    except Exception as failure:  # all that it was given is sent and marked
        log.debug("sink %s was not closed", report.name, exc_info=True)
        report.errors.append(f"it cannot be closed: unexpected {type(failure).__name__}: {failure}")


def _failed(claimed: Delivery, error: DeliveryError, dispatching: Dispatching, report: SinkReport) -> None:
    now = dispatching.clock()
    decided = verdict(claimed.attempts, error, now, random.random())  # noqa: S311
    report.failed += 1
    log.debug("sink %s: delivery %d (%s) not sent: %s", claimed.sink, claimed.pk, claimed.key, error)
    if decided.error not in report.errors:
        report.errors.append(decided.error)
    dispatching.store.mark(
        claimed.pk,
        dispatching.lease,
        decided.state,
        now,
        not_before=decided.not_before,
        error=decided.error,
        delivered=claimed.delivered | error.delivered,
    )
