"""Runs migrations on the connection that feedbot.store.migrate hands over."""

from alembic import context

from feedbot.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
