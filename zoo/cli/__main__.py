"""`python -m zoo.cli`: the command line without its installed name."""

import signal

from zoo.cli import main

# A process that was started in the background may inherit that Ctrl-C is ignored; a training has to
# hear it, or it could not be stopped between two of its steps.
signal.signal(signal.SIGINT, signal.default_int_handler)
main(prog_name="zoo")
