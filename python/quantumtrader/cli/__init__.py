"""The ``quantumtrader`` command. Each command is one file and imports what is heavy when it runs."""
