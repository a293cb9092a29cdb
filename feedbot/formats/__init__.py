"""The published feed formats: each a class in a file of its own, found through ``feedbot.formats``.

``legal`` makes channel and entries fit for all of them; ``feedtree`` is the one place that knows feedgen.
"""
