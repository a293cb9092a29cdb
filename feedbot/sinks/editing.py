"""What sinks share that can edit a message which they have sent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Literal

from msgspec.structs import replace
from pydantic import Field, SecretStr

from feedbot.errors import DeliveryError
from feedbot.model import Delivery
from feedbot.plugins import Duration, SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink


class EditingSettings(PostingSettings):
    """Keys of sinks that can edit what they have sent."""

    timeout: Annotated[Duration, Field(gt=timedelta(), le=timedelta(seconds=25))] = timedelta(seconds=15)
    """The longest that the receiver may take, which may be asked four times for one message."""
    on_update: Literal["post", "edit"] = "post"
    """How updates and withdrawals are told: in a message of their own, or by editing the message about their entry."""


class EditingSink(PostingSink):
    """A sink that gives a receipt for each message about one entry, by which it finds it again."""

    def __init__(
        self, settings: EditingSettings, context: SinkContext, secrets: Iterable[SecretStr | None] = ()
    ) -> None:
        super().__init__(settings, context, secrets)
        self._edits = settings.on_update == "edit"

    def send(self, delivery: Delivery, now: datetime) -> str:
        """Post a change, or edit the last message about its entry; gives the receipt of the message.

        Where that message is gone, or may not be edited, another one is posted. An edited message shows the entry as
        it is now: what is different is of use only to those who have seen the former one.
        """
        if self._edits and delivery.receipt:
            try:
                if self.edit(replace(delivery, diff=""), delivery.receipt, now):
                    return delivery.receipt
            except DeliveryError as error:
                if not error.refused:
                    raise
        return self.publish(delivery, now)

    @abstractmethod
    def publish(self, delivery: Delivery, now: datetime) -> str:
        """Post a change as a message of its own; gives its receipt, "" where the service does not name it."""

    @abstractmethod
    def edit(self, delivery: Delivery, receipt: str, now: datetime) -> bool:
        """Have a message tell of this change instead; False where the receipt is of none that can be edited.

        Raises DeliveryError as ``send`` does: refused where the service does not want to.
        """
