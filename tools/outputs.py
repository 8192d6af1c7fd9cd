"""Where tools write, and how they say so: what plot, report and animate share."""
import os
import stat
import tempfile


def problem(path, inputs=()):
    """What is wrong with a path that is to become a file, or None."""
    if path == "-":
        return "standard output gets no pictures or pages, expected the name of a file"
    if os.path.islink(path) and not os.path.exists(path):
        return "is a link to nowhere"
    if not os.path.exists(path):
        return None
    if not stat.S_ISREG(os.stat(path).st_mode):
        return "is no regular file"
    if any(os.path.exists(other) and os.path.samefile(path, other) for other in inputs):
        return "is a run file, expected another name"
    return None


def folder_of(path):
    """Where the file itself lies, also behind a link: the place for parts of it."""
    return os.path.dirname(os.path.realpath(path))


def put(content, path):
    """Bytes take the place of what was there; a link stays one. OSError: what was there is there, and nothing else."""
    with tempfile.TemporaryDirectory(dir=folder_of(path), prefix=".part-") as place:
        with open(f"{place}/part", "wb") as out:
            out.write(content)
        os.replace(f"{place}/part", os.path.realpath(path))


def names(paths):
    """What run files are called: with their folders where two would have the same name."""
    bases = [os.path.basename(path) for path in paths]
    return [path if bases.count(base) > 1 else base for path, base in zip(paths, bases)]


def say(line):
    """The work is done, whether or not anyone still reads."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
