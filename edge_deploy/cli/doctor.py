"""The verb that looks for what stands between a person and a board: doctor."""

from __future__ import annotations

import click

from edge_deploy.cli import output
from edge_deploy.cli.options import debug_option, json_option
from edge_deploy.errors import EdgeDeployError


@click.command()
@json_option
@debug_option
def doctor(as_json: bool) -> None:
    """Look at Python, packages, compilers, ports and boards, and say what to do about each.

    Changes nothing. Ends with 1 where something stands in the way of a board that is connected.
    """
    from edge_deploy.devices import doctor as examination

    findings = examination.examine()
    wrong = [each for each in findings if each.status == examination.WRONG]
    if as_json:
        output.document({"ok": not wrong, "findings": [each.as_json() for each in findings]})
    else:
        output.table(
            ["what", "status", "found"], [[each.what, each.status, each.found] for each in findings]
        )
        for each in findings:
            if each.fix and each.status != examination.OK:
                output.show(f"{each.what}:")
                for line in each.fix:
                    output.show(f"  {line}")
    if wrong:
        names = ", ".join(each.what for each in wrong)
        count = "1 thing stands" if len(wrong) == 1 else f"{len(wrong)} things stand"
        raise EdgeDeployError(f"{count} in the way: {names}.", try_next=wrong[0].fix)
