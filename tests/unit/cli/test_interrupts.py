import signal
import subprocess
import sys

INTERRUPTED_WHILE_IMPORTING = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "slipway.cli":
            os.kill(os.getpid(), signal.SIGINT)

# What runs in the background of a script inherits that SIGINT is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupt())
from slipway.__main__ import main
main()
"""


def test_ctrl_c_while_the_command_is_loaded_shows_no_trace() -> None:
    command = [sys.executable, "-c", INTERRUPTED_WHILE_IMPORTING]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
