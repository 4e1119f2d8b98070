"""``python -m abeja.runtime`` is ``abeja-runtime``."""

from abeja.runtime.cli import main

if __name__ == "__main__":
    main()
