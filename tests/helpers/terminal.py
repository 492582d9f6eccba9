"""Runs a command at a terminal of its own, and types: terminal.py TURNS COMMAND...

TURNS is JSON, a list of what the screen has to show before what is typed; KILL kills the
command instead. Prints what the screen showed.
"""

import json
import os
import pty
import select
import sys
import time

turns = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown, seen, ends = b'', 0, time.time() + 100
while time.time() < ends:
    if turns:
        at = shown.find(turns[0][0].encode(), seen)
        if at >= 0:
            seen = at + len(turns[0][0].encode())
            # Nobody types at once.
            time.sleep(0.3)
            typed = turns.pop(0)[1]
            if typed == 'KILL':
                os.kill(pid, 9)
            else:
                os.write(terminal, typed.encode())
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if ready:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
else:
    os.kill(pid, 9)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
_, status = os.waitpid(pid, 0)
os._exit(os.waitstatus_to_exitcode(status) if not os.WIFSIGNALED(status) else 128)
