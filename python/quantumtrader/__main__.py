"""``python -m quantumtrader``."""

from quantumtrader.cli.main import main

if __name__ == "__main__":
    main()
