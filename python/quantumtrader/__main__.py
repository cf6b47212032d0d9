"""``python -m quantumtrader``."""

if __name__ == "__main__":  # a gateway's process imports this module again, and needs no command line
    from quantumtrader.cli.main import main

    main()
