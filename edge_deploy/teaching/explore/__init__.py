"""A lab's knobs -> many networks, each trained and measured -> what accuracy costs.

    grid      which points of all that the knobs allow
    task      one point as a job that any machine can do, and its key
    point     a job done: train, quantize, compile, build, run on a virtual board
    worker    jobs in a process of their own
    pool      several such processes on this machine
    cluster   the same on the workers of a Dask cluster
    store     results on disk: what makes a search resumable
    front     which points no other one beats
    picture   the points as SVG

Everything is measured on validation samples: the held-out ones are for the one network that is
chosen in the end.
"""
