"""The command line: words to calls, results to text or JSON.

The only room that prints or exits. `main` is the console script; everything heavy is
imported by the verb that needs it, so that `edge-deploy --help` is quick.
"""

from __future__ import annotations

from edge_deploy.cli.main import edge_deploy, main

__all__ = ["edge_deploy", "main"]
