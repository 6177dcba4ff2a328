"""Jobs in a process of their own: `python -m edge_deploy.teaching.explore.worker FOLDER`.

A line of JSON comes in (a Task), a line goes out: the point, or what is wrong with this machine.
Training seeds generators that a whole process shares, and a converter that crashes takes its
process with it. When the pipe of jobs ends, so does the process, whatever it does at that moment:
whoever wanted the result is gone.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import IO, Any

from edge_deploy.errors import EdgeDeployError, Exit
from edge_deploy.teaching.explore import point as points
from edge_deploy.teaching.explore import task as tasks
from edge_deploy.teaching.explore.point import Failure, Point, Workshop


def main(folder: Path) -> None:
    """Do jobs until there are no more."""
    # What a recipe prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    jobs: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, jobs), daemon=True).start()
    workshop = Workshop(folder)
    while True:
        answers.write(json.dumps(_answer(workshop, jobs.get())) + "\n")
        answers.flush()


def _listen(source: IO[str], jobs: queue.SimpleQueue[str]) -> None:
    for line in source:
        jobs.put(line)
    os._exit(int(Exit.DONE))


def _answer(workshop: Workshop, line: str) -> dict[str, Any]:
    task = tasks.from_text(line)
    try:
        point = workshop.do(task)
    except EdgeDeployError as error:
        stop = {"message": error.message, "try_next": error.try_next, "exit": int(error.exit_code)}
        return {"stop": stop}
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return {"stop": {"message": f"{where}{error.strerror or error}", "try_next": (), "exit": 1}}
    except Exception as error:  # noqa: BLE001, one point's bug must not end the others
        text = next((line for line in str(error).splitlines() if line.strip()), "")
        point = Point(task.key, task.knobs, failure=Failure(type(error).__name__, text))
    return {"point": point.as_json(), "model": base64.b64encode(point.model).decode()}


def read_answer(line: str) -> Point:
    """The point of an answer. Raises EdgeDeployError for what is wrong with the machine."""
    answer: dict[str, Any] = json.loads(line)
    stop = answer.get("stop")
    if stop is not None:
        error = EdgeDeployError(stop["message"], try_next=stop["try_next"])
        error.exit_code = Exit(stop["exit"])
        raise error
    return points.from_json(answer["point"], base64.b64decode(answer["model"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
