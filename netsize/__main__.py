"""python -m netsize"""

from netsize.cli import run

run()
