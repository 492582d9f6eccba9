#!/usr/bin/env python3
"""Asks Ansible's own code what it reads, many times for one start of Python.

Each line of standard input is a JSON list of arguments of `ansible-inventory`; each line of standard output is the
answer to one: {"ok": true, "out": TEXT} or {"ok": false, "why": TEXT}. Run it with the Python of a venv that has Ansible.
"""

import contextlib
import importlib
import io
import json
import os
import sys

os.environ["ANSIBLE_CONFIG"] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ansible.cfg")

from ansible.cli.inventory import InventoryCLI  # noqa: E402

# What every call would load again.
with contextlib.suppress(ImportError):
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader()
    import ansible_collections.ansible.builtin  # noqa: F401
for name in (
    *("template", "vars.manager", "vars.plugins", "plugins.cache.memory", "plugins.doc_fragments.vars_plugin_staging"),
    *(f"plugins.inventory.{name}" for name in ("auto", "host_list", "ini", "script", "toml", "yaml")),
    "plugins.vars.host_group_vars",
):
    with contextlib.suppress(ImportError):
        importlib.import_module(f"ansible.{name}")


def answer(words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            InventoryCLI(["ansible-inventory", *words]).run()
            why = "no answer"
        except SystemExit as end:
            if not end.code:
                # Bytes that are no UTF-8 come through as halves of characters.
                return {"ok": True, "out": out.getvalue().encode("utf-8", "replace").decode()}
            why = f"exit {end.code}"
        except BaseException as error:
            why = f"{type(error).__name__}: {error}"
    return {"ok": False, "why": (why + "\n" + err.getvalue()[-2000:]).encode("utf-8", "replace").decode()}


def main():
    """Ansible keeps much from one call to the next: each has a process of its own, forked after the slow imports."""
    for line in sys.stdin:
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.dup2(2, 1)
            with os.fdopen(theirs, "w", encoding="utf-8") as pipe:
                pipe.write(json.dumps(answer(json.loads(line))))
            os._exit(0)
        os.close(theirs)
        with os.fdopen(ours, encoding="utf-8") as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        print(text or json.dumps({"ok": False, "why": "the process died"}), flush=True)


main()
