"""Training that cannot leak: labels with spans, purged splits, honest statistics."""

__all__: list[str] = []
