"""`python -m openrft` is `openrft`."""

from openrft.cli import main

if __name__ == "__main__":
    main()
