"""Files of a script: the workspace through the contract's `fs`, and `/tmp` in memory.

The interpreter's own file functions are replaced, so that `open`, `os`, `pathlib`, `glob` and `shutil` work as scripts
expect. Which paths there are, and what may be done with them, is decided by the host; a path outside the workspace is
refused here with its name.
"""

import builtins
import errno
import io
import os
import stat
import subprocess
import urllib.request

import componentize_py_types as _types
from wit_world.imports import fs

HOME = "/workspace"
TMP = "/tmp"
# Every file that was opened: what is still open when the call ends is written then, as an interpreter does when it ends.
opened = []
# What `/tmp` holds, for the length of the call: paths and their bytes, None for a directory.
memory = {TMP: None}

ERRORS = {
    "NotFound": errno.ENOENT,
    "Denied": errno.EACCES,
    "InvalidPath": errno.EINVAL,
    "NotAFile": errno.EISDIR,
    "Exists": errno.EEXIST,
    "NotEmpty": errno.ENOTEMPTY,
    "TooLarge": errno.EFBIG,
}


def failure(error, path):
    """What the system would have said."""
    kind = type(error.value).__name__.rpartition("_")[2]
    detail = getattr(error.value, "value", None)
    number = ERRORS.get(kind, errno.EIO)
    return OSError(number, detail or os.strerror(number), str(path))


def ask(path, function, *arguments):
    try:
        return function(*arguments)
    except _types.Err as error:
        raise failure(error, path) from None


def absolute(path):
    path = os.fspath(path)
    if isinstance(path, bytes):
        path = path.decode()
    return os.path.normpath(os.path.join(HOME, path))


def place(path):
    """Where a path leads: ("w", path in the workspace) or ("t", path in memory)."""
    whole = absolute(path)
    if whole == HOME or whole.startswith(HOME + "/"):
        return "w", whole[len(HOME) + 1 :] or "."
    if whole == TMP or whole.startswith(TMP + "/"):
        return "t", whole
    raise PermissionError(errno.EACCES, "only the workspace and /tmp can be reached here", str(path))


def in_memory(path):
    if path not in memory:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return memory[path]


def read(path):
    where, name = place(path)
    if where == "w":
        return bytes(ask(path, fs.read, name))
    content = in_memory(name)
    if content is None:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name)
    return content


def write(path, content):
    where, name = place(path)
    if where == "w":
        ask(path, fs.write, name, content)
        return
    if memory.get(os.path.dirname(name), b"") is not None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    memory[name] = content


def append(path, content):
    where, name = place(path)
    if where == "w":
        ask(path, fs.append, name, content)
    else:
        write(path, (memory.get(name) or b"") + content)


class File(io.BytesIO):
    """A file that is open: its bytes, written back when they changed."""

    # Also of one that could not be opened, and is closed all the same.
    _dirty = False

    def __init__(self, path, mode):
        self.name, self.mode = path, mode
        self._reads = "r" in mode or "+" in mode
        self._writes = any(letter in mode for letter in "wax+")
        self._kept, content = 0, b""
        super().__init__()
        if "x" in mode and exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        if "r" in mode or ("a" in mode and exists(path)):
            content = read(path)
        self._dirty = "w" in mode or "x" in mode or ("a" in mode and not exists(path))
        super().__init__(content)
        if "a" in mode:
            self.seek(0, io.SEEK_END)
            self._kept = len(content)
        if self._dirty:
            self.flush()

    def readable(self):
        return self._reads

    def writable(self):
        return self._writes

    def _may_read(self):
        if not self._reads:
            raise io.UnsupportedOperation("not readable")

    def read(self, *args):
        self._may_read()
        return super().read(*args)

    read1 = read

    def readinto(self, buffer):
        self._may_read()
        return super().readinto(buffer)

    def readline(self, *args):
        self._may_read()
        return super().readline(*args)

    def write(self, data):
        if not self._writes:
            raise io.UnsupportedOperation("not writable")
        if "a" in self.mode:
            self.seek(0, io.SEEK_END)
        self._dirty = True
        return super().write(data)

    def truncate(self, size=None):
        if not self._writes:
            raise io.UnsupportedOperation("not writable")
        self._dirty = True
        return super().truncate(size)

    def flush(self):
        if self.closed or not self._dirty:
            return
        content = self.getvalue()
        if "a" in self.mode and len(content) >= self._kept:
            append(self.name, content[self._kept :])
        else:
            write(self.name, content)
        self._kept, self._dirty = len(content), False

    def close(self):
        if not self.closed:
            self.flush()
        super().close()

    def fileno(self):
        raise io.UnsupportedOperation("fileno")


def open_file(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
    if isinstance(file, int):
        raise OSError(errno.EBADF, "there are no file descriptors here")
    letters = set(mode)
    if len(letters & set("rwax")) != 1 or letters - set("rwaxbt+") or {"b", "t"} <= letters:
        raise ValueError(f"invalid mode: {mode!r}")
    if "b" in mode and (encoding or errors or newline):
        raise ValueError("binary mode takes no encoding, errors or newline")
    raw = File(os.fspath(file), mode.replace("t", "").replace("b", ""))
    if "b" in mode:
        opened.append(raw)
        return raw
    text = io.TextIOWrapper(raw, encoding or "utf-8", errors, newline)
    text.mode = mode
    opened.append(text)
    return text


def close_all():
    """Writes what is still open."""
    for file in opened:
        if not file.closed:
            file.close()


def entry_of(path):
    """(is it a directory, size, seconds since 1970)"""
    where, name = place(path)
    if where == "w":
        entry = ask(path, fs.stat, name)
        if entry.kind == fs.Kind.OTHER:
            raise PermissionError(errno.EACCES, "links and devices are not followed", str(path))
        return entry.kind == fs.Kind.DIRECTORY, entry.size, entry.modified_ms / 1000
    content = in_memory(name)
    return content is None, len(content or b""), 0.0


def stat_file(path, *, dir_fd=None, follow_symlinks=True):
    is_dir, size, modified = entry_of(path)
    mode = stat.S_IFDIR | 0o755 if is_dir else stat.S_IFREG | 0o644
    whole, exact = int(modified), int(modified * 1_000) * 1_000_000
    times = {f"st_{kind}time{end}": value for kind in "amc" for end, value in (("", modified), ("_ns", exact))}
    return os.stat_result((mode, 0, 0, 1, 0, 0, size, whole, whole, whole), times)


def exists(path):
    try:
        entry_of(path)
        return True
    except FileNotFoundError:
        return False


def names(path):
    where, name = place(path)
    if where == "w":
        return [entry.name for entry in ask(path, fs.list, name)]
    if in_memory(name) is not None:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
    return sorted(os.path.basename(p) for p in memory if os.path.dirname(p) == name and p != name)


class Entry:
    """What `os.scandir` gives."""

    def __init__(self, directory, name):
        self.name, self.path = name, os.path.join(directory, name)

    def __fspath__(self):
        return self.path

    def __repr__(self):
        return f"<DirEntry {self.name!r}>"

    def stat(self, *, follow_symlinks=True):
        return stat_file(self.path)

    def _is(self, wanted):
        try:
            return entry_of(self.path)[0] == wanted
        except OSError:
            return False

    def is_dir(self, *, follow_symlinks=True):
        return self._is(True)

    def is_file(self, *, follow_symlinks=True):
        return self._is(False)

    def is_symlink(self):
        return False

    def is_junction(self):
        return False

    def inode(self):
        return 0


class Scan(list):
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __iter__(self):
        return super().__iter__()

    def __next__(self):
        if not self:
            raise StopIteration
        return self.pop(0)

    def close(self):
        return None


def scandir(path="."):
    return Scan(Entry(os.fspath(path), name) for name in names(path))


def mkdir(path, mode=0o777, *, dir_fd=None):
    where, name = place(path)
    if exists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    if not exists(os.path.dirname(absolute(path))):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    if where == "w":
        ask(path, fs.make_directory, name)
    else:
        memory[name] = None


def _remove(path, wanted):
    where, name = place(path)
    if entry_of(path)[0] != wanted:
        number = errno.ENOTDIR if wanted else errno.EISDIR
        raise OSError(number, os.strerror(number), str(path))
    if where == "w":
        ask(path, fs.remove, name, False)
    elif wanted and names(path):
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(path))
    else:
        del memory[name]


def remove(path, *, dir_fd=None):
    _remove(path, False)


def rmdir(path, *, dir_fd=None):
    _remove(path, True)


def rename(src, dst, *, src_dir_fd=None, dst_dir_fd=None):
    (a, old), (b, new) = place(src), place(dst)
    if a == b == "w":
        ask(src, fs.rename, old, new)
    else:
        write(dst, read(src))
        remove(src)


def utime(path, times=None, *, ns=None, dir_fd=None, follow_symlinks=True):
    where, name = place(path)
    seconds = times[1] if times else (ns[1] / 1e9 if ns else __import__("time").time())
    if where == "w":
        ask(path, fs.set_modified, name, int(seconds * 1000))


def refuse(what, instead):
    def refused(*_args, **_named):
        raise PermissionError(errno.EPERM, f"{what}; {instead}")

    return refused


REPLACED = {
    "stat": stat_file,
    "lstat": stat_file,
    "listdir": lambda path=".": names(path),
    "scandir": scandir,
    "mkdir": mkdir,
    "remove": remove,
    "unlink": remove,
    "rmdir": rmdir,
    "rename": rename,
    "replace": rename,
    "utime": utime,
    "getcwd": lambda: HOME,
    "chmod": lambda *_args, **_named: None,
    "access": lambda path, mode, **_named: exists(path),
    "chdir": refuse("the working directory is the workspace", "write the whole path"),
    "open": refuse("there are no file descriptors here", "`open(path)` opens files"),
    "symlink": refuse("links cannot be made here", "copy the file"),
    "link": refuse("links cannot be made here", "copy the file"),
}


def install():
    """Puts these functions in the place of the system's."""
    builtins.open = io.open = open_file
    for name, function in REPLACED.items():
        setattr(os, name, function)
    os.supports_dir_fd = os.supports_fd = os.supports_follow_symlinks = set()
    network = "`http_get` in a `tool_call` stage asks for pages"
    urllib.request.urlopen = refuse("there is no socket here", network)
    process = "a plugin, or `sandbox.mode: docker`, runs other programs"
    subprocess.Popen.__init__ = refuse("there are no processes here", process)
    os.system = refuse("there are no processes here", process)
