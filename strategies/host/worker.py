"""The Python worker: the same states, samples and messages as the native one (session.c), for strategies in Python.

Run by a bare interpreter (`python -I -S -B worker.py list|work`), standard library only: what a process has imported is
part of its footprint. A strategy is one file in ../launch with NAME, SUMMARY and launch(); README.md has the contract.
"""

import _socket
import errno
import gc
import importlib.util
import json
import mmap
import os
import resource
import struct
import sys
from time import monotonic_ns

NONE, SPAWN, EXEC, WAIT = range(4)  # host.h, enum stage
SAMPLE = struct.Struct("<IIIIiiiiqqqQqq")  # internal.h, struct sample
MADV_NOHUGEPAGE = 15
MADV_POPULATE_WRITE = 23  # since Linux 5.14
CONTROL = 3
LONGEST_REQUEST = 64 << 20
TEXTS = ("strategy", "reaper", "hygiene", "backing", "samples", "fill_cpus", "pacer")
NUMBERS = (
    "footprint",
    "vmas",
    "open_files",
    "inheritable",
    "in_flight",
    "burst",
    "writes",
    "hold_child",
    "bystanders",
    "time_limit",
    "warmup",
)


class Command:
    """One command of the mix: `file` for execve, `argv`, `env`, and `line` for a shell."""

    __slots__ = ("argv", "env", "file", "line")

    def __init__(self, line, env):
        self.line = line
        self.env = env
        self.argv = []
        self.file = ""


# What may be a failed fork as well as a failed exec; anything else can only be the exec's.
EITHER = {errno.ENOMEM, errno.EAGAIN, errno.EPERM, errno.ENOSYS, errno.EINVAL, errno.EMFILE, errno.ENFILE}


class Launch:
    """One launch, as `struct launch` in host.h; what a strategy fills in."""

    __slots__ = ("_children_before", "_exec_error", "command", "error", "pid", "process", "stage", "status")

    def __init__(self, command, exec_error):
        self.command = command
        self._exec_error = exec_error
        self._children_before = children_time()
        self.pid = 0
        self.stage = NONE
        self.error = 0
        self.status = None

    def exec_failed(self, error):
        """Child's side: leaves the errno of a failed exec where the parent sees it, also after a fork."""
        self._exec_error[0:4] = error.to_bytes(4, "little")

    def run(self, call, **options):
        """subprocess.run() or its like, to the end."""
        done = self.attempt(call, self.command.argv, env=self.command.env, check=False, **options)
        if done is not None:
            self.ended(done.returncode)

    def attempt(self, call, *arguments, **options):
        """Call something of subprocess; None when it failed, and then the launch says where."""
        try:
            return call(*arguments, **options)
        except OSError as failed:
            # An error of fork or pipe has no file name; one of exec has, and so has any of posix_spawn(), which CPython
            # since 3.13 takes for a program that is named by its path.
            if failed.filename is None:
                self.spawn_failed(failed.errno)
            else:
                self.library_failed(failed.errno)
            return None

    def ended(self, returncode):
        """The status as subprocess has it: negative for a signal."""
        self.status = -returncode if returncode < 0 else returncode << 8

    def spawn_failed(self, error):
        """The call itself failed and no child exists."""
        self.stage, self.error = SPAWN, error

    def library_failed(self, error):
        """A call failed that both makes the child and execs in it; see host_library_failed() in outcome.c."""
        self.stage = SPAWN if error in EITHER and children_time() == self._children_before else EXEC
        self.error = error


def children_time():
    """CPU seconds of all children that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def waitpid(launch):
    """The reaper `waitpid`: for the very child."""
    try:
        _, launch.status = os.waitpid(launch.pid, 0)
    except OSError as lost:
        launch.stage, launch.error = WAIT, lost.errno
        return
    failed = int.from_bytes(launch._exec_error[0:4], "little")
    if failed:
        launch.stage, launch.error = EXEC, failed


def exec_as_a_shell_would(file, argv, env):
    """Become the command, or end with 127 (not found) or 126: for children that can only tell a number.

    What multiprocessing needs to be inherited by its children is closed: it is nothing for the command.
    """
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    try:
        os.execve(file, argv, env)
    except OSError as failed:
        os._exit(127 if failed.errno == errno.ENOENT else 126)


def say(**message):
    """One JSON object a line, to the runner."""
    try:
        os.write(CONTROL, json.dumps(message).encode() + b"\n")
    except OSError:
        os._exit(70)  # the runner is gone: nobody is left to work for


def refuse(state, number, reason):
    """Says why this worker cannot do what it was asked, and ends it."""
    say(state=state, errno=number, reason=reason)
    os._exit(0)


def malformed(reason):
    """Ends the worker for a request that is not one."""
    refuse("failed", errno.EINVAL, reason)


def read_line(channel):
    """One line of the runner, without its end; empty when the runner has gone."""
    return channel.readline(64).rstrip(b"\n")


def load_strategy(path):
    """The module of one strategy, by path."""
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def launch_folder():
    """The folder of the strategies."""
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "launch")


def find_strategy(name):
    """The strategy of that name. Files are named after their strategy, so one import is enough."""
    path = os.path.join(launch_folder(), name + ".py")
    if "/" in name or not os.path.exists(path):
        refuse("unsupported", 0, "this worker has no strategy " + name)
    return load_strategy(path)


def list_strategies():
    """One JSON object a line, for bench.catalogue."""
    for file in sorted(os.listdir(launch_folder())):
        if file.endswith(".py"):
            strategy = load_strategy(os.path.join(launch_folder(), file))
            supported = getattr(strategy, "supported", None)
            print(
                json.dumps(
                    {
                        "kind": "strategy",
                        "name": strategy.NAME,
                        "summary": strategy.SUMMARY,
                        "reason": supported() if supported else None,
                        "own_reaper": hasattr(strategy, "reap") or getattr(strategy, "OWN_REAPER", False),
                        "launches_nothing": False,
                        "status_form": getattr(strategy, "STATUS_FORM", "wait"),
                        "memory": getattr(strategy, "MEMORY", None),
                    }
                )
            )


def find_program(name, env):
    """argv[0] as execvp() would find it; what is not found stays as written, for the exec to fail on."""
    if "/" not in name:
        for folder in env.get("PATH", "").split(":"):
            file = os.path.join(folder, name)
            if os.access(file, os.X_OK):
                return file
    return name


def read_request(channel):
    """Settings and commands of the request; request.c has the format."""
    body = read_body(channel)
    settings, env, commands = {}, {}, []
    for word in body[:-1].split(b"\0"):
        key, _, value = os.fsdecode(word).partition("=")
        if key == "env":
            name, _, content = value.partition("=")
            env[name] = content
        elif key == "command":
            commands.append(Command(value, env))
        elif key == "arg" and commands:
            commands[-1].argv.append(value)
        elif key in TEXTS:
            settings[key] = value
        elif key in NUMBERS:
            settings[key] = number(key, value)
        elif key == "plan":
            settings[key] = read_plan(value)
        else:
            malformed("the request says " + os.fsdecode(word)[:80])
    check_request(settings, commands)
    for command in commands:
        command.file = find_program(command.argv[0], env)
    os.environ.clear()
    os.environ.update(env)
    return settings, commands


def read_body(channel):
    """The words of the request, each ended by NUL."""
    line = read_line(channel)
    if not line:
        os._exit(0)  # the runner has gone
    words = line.split()
    if len(words) != 2 or words[0] != b"request" or not words[1].isdigit():
        malformed("instead of a request: %.40s" % os.fsdecode(line))
    length = int(words[1])
    if not 0 < length <= LONGEST_REQUEST:
        malformed("a request of %d bytes" % length)
    body = channel.read(length)
    if len(body) < length:
        os._exit(0)
    if not body.endswith(b"\0"):
        malformed("the request's last word does not end")
    return body


def number(key, text):
    """A count in decimal digits."""
    if not (text.isascii() and text.isdigit()):
        malformed("%s=%.40s is not a number" % (key, text))
    return int(text)


def read_plan(text):
    """The command of each launch, in order."""
    indices = text.split(",")
    if not all(index.isascii() and index.isdigit() for index in indices):
        malformed("the plan is malformed")
    return [int(index) for index in indices]


def check_request(settings, commands):
    """Ends the worker when a part is missing, or the plan names a command that is not there."""
    if not commands or any(key not in settings for key in ("strategy", "hygiene", "samples", "plan")):
        malformed("the request lacks a part")
    for index, command in enumerate(commands):
        if not command.argv:
            malformed("command %d has no arguments" % index)
    for index in settings["plan"]:
        if index >= len(commands):
            malformed("the plan names command %d of %d" % (index, len(commands)))


def fill(memory, size):
    """Touches every page: by the kernel where it can, else by writing."""
    try:
        memory.madvise(MADV_POPULATE_WRITE)
    except OSError as unknown:
        if unknown.errno != errno.EINVAL:
            raise
        step = 1 << 20
        ones = b"\x01" * step
        for at in range(0, size, step):
            length = min(step, size - at)
            memory[at : at + length] = ones[:length]


def mappings():
    """/proc/self/smaps, one dict a mapping: its size and Rss, AnonHugePages (bytes) and VmFlags."""
    found = []
    with open("/proc/self/smaps") as smaps:
        for line in smaps:
            words = line.split()
            if not words[0].endswith(":"):
                start, end = (int(address, 16) for address in words[0].split("-"))
                found.append({"size": end - start, "Rss:": 0, "AnonHugePages:": 0, "VmFlags:": []})
            elif words[0] in ("Rss:", "AnonHugePages:"):
                found[-1][words[0]] = int(words[1]) << 10
            elif words[0] == "VmFlags:":
                found[-1][words[0]] = words[1:]
    return found


def inspect(size):
    """What the kernel says of the footprint, and of the page tables."""
    every = mappings()
    # `nh`: MADV_NOHUGEPAGE, which nothing else in this process asks for. A kernel without huge pages has no such mark.
    held = [m for m in every if "nh" in m["VmFlags:"]] or [m for m in every if m["size"] >= size]
    found = {
        "mapped": sum(m["size"] for m in held),
        "rss": sum(m["Rss:"] for m in held),
        "anon_huge": sum(m["AnonHugePages:"] for m in held),
        "vmas": len(held),
    }
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmPTE:"):
                found["page_tables"] = int(line.split()[1]) << 10
    return found


def map_footprint(settings):
    """Maps, touches and verifies the footprint; returns it, to be kept, and what the kernel says of it."""
    size = settings.get("footprint", 0)
    if settings.get("backing", "anon") != "anon":
        refuse("unsupported", 0, "the Python worker has no backing " + settings["backing"])
    if settings.get("vmas", 1) != 1:
        refuse("unsupported", 0, "the Python worker maps its footprint in one piece")
    begun = monotonic_ns()
    try:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        try:
            memory.madvise(MADV_NOHUGEPAGE)
        except OSError as unknown:
            if unknown.errno != errno.EINVAL:
                raise
        fill(memory, size)
    except OSError as refused:
        refuse("not_allocatable", refused.errno, os.strerror(refused.errno))
    filled = monotonic_ns()
    found = inspect(size)
    found["fill_ns"] = filled - begun
    found["footprint_ns"] = monotonic_ns() - begun
    if found["vmas"] != 1 or found["rss"] < size or found["anon_huge"]:
        refuse("not_allocatable", 0, "%(rss)d bytes are resident in %(vmas)d mappings, %(anon_huge)d huge" % found)
    return memory, found


def hold_open_files(count, inheritable):
    """Descriptors that a scenario wants open meanwhile."""
    held = []
    try:
        for _ in range(count):
            held.append(os.open("/dev/null", os.O_RDONLY))
            os.set_inheritable(held[-1], inheritable)
    except OSError as full:
        reason = "%d of %d files could be opened: %s" % (len(held), count, os.strerror(full.errno))
        refuse("unsupported", full.errno, reason)
    return held


class Pacer:
    """What a worker asks before each launch; pacer.c has the other side, and the native worker's."""

    PATIENCE_S = 1

    def __init__(self, path):
        # Not the module socket: it imports a dozen others.
        self.channel = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self.channel.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, struct.pack("@ll", self.PATIENCE_S, 0))
        self.channel.connect(path)

    def ask(self):
        """Duration in ns of a launch that the pacer made just now; 0: nobody answers."""
        answer = b""
        if self.channel is None:
            return 0
        try:
            self.channel.send(b"?", _socket.MSG_NOSIGNAL)
            answer = self.channel.recv(8, _socket.MSG_WAITALL)
        except OSError:
            pass
        if len(answer) == 8:
            return int.from_bytes(answer, sys.byteorder, signed=True)
        self.channel.close()  # an answer that comes too late is not taken for the next one's
        self.channel = None
        return 0


def meet_pacer(settings):
    """The pacer; None where there is none, or it cannot be reached."""
    if "pacer" not in settings:
        return None
    try:
        return Pacer(settings["pacer"])
    except OSError:
        return None


def launch_all(settings, commands, strategy, samples, pacer):
    """Every launch of the plan, until the time limit; returns how many."""
    plan = settings["plan"]
    warmup = settings.get("warmup", 0)
    reap = getattr(strategy, "reap", None) or (None if getattr(strategy, "OWN_REAPER", False) else waitpid)
    exec_error = mmap.mmap(-1, 4096)
    pack = SAMPLE.pack_into
    thread = resource.RUSAGE_THREAD
    deadline = monotonic_ns() + settings.get("time_limit", 0)
    for i, index in enumerate(plan):
        if monotonic_ns() >= deadline:
            return i
        paced = pacer.ask() if pacer else 0
        exec_error[0:4] = b"\0\0\0\0"
        launch = Launch(commands[index], exec_error)
        at = i * SAMPLE.size
        faults = resource.getrusage(thread).ru_minflt
        pack(samples, at, 1, index, i < warmup, 0, 0, 0, 0, 0, monotonic_ns(), 0, 0, 0, 0, 0)
        call = monotonic_ns()
        strategy.launch(launch)
        returned = monotonic_ns()
        if launch.stage == NONE and reap:
            reap(launch)
        reaped = monotonic_ns()
        faults = resource.getrusage(thread).ru_minflt - faults
        known = launch.status is not None
        pack(samples, at, 2, index, i < warmup, launch.stage, launch.error, known, launch.status if known else 0,
             launch.pid, call, returned, reaped, faults, 0, paced)  # fmt: skip
    return len(plan)


def work():
    """One worker, from the request to the exit."""
    # The control channel is the worker's alone: commands get an empty input in its place.
    os.dup2(0, CONTROL, inheritable=False)  # first: it closes whatever else had that number
    empty = os.open("/dev/null", os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    channel = os.fdopen(CONTROL, "rb", closefd=False)
    settings, commands = read_request(channel)
    strategy = find_strategy(settings["strategy"])
    supported = getattr(strategy, "supported", None)
    reason = supported() if supported else None
    if reason is None and settings.get("reaper") not in (None, "own", "waitpid"):
        reason = "the Python worker has no reaper " + settings["reaper"]
    if reason is None and settings["hygiene"] != "none":
        reason = "the Python worker has no hygiene " + settings["hygiene"]
    if reason:
        refuse("unsupported", 0, reason)
    planned = len(settings["plan"])
    with open(settings["samples"], "w+b") as file:
        file.truncate(planned * SAMPLE.size)
        samples = mmap.mmap(file.fileno(), planned * SAMPLE.size)
    samples[:] = bytes(len(samples))  # its pages are there before the clock runs
    if hasattr(strategy, "prepare"):
        try:
            strategy.prepare(commands)
        except OSError as failed:
            refuse("unsupported", failed.errno, "prepare: " + os.strerror(failed.errno))
        except EOFError:
            refuse("unsupported", 0, "prepare: what was to help has died")
    held = hold_open_files(settings.get("open_files", 0), settings.get("inheritable", 0) != 0)
    memory, found = map_footprint(settings)
    pacer = meet_pacer(settings)
    say(state="ready", **found)
    if read_line(channel) != b"go":
        return
    gc.disable()  # a collection in a timed window would be Python's own noise
    began = monotonic_ns()
    made = launch_all(settings, commands, strategy, samples, pacer)
    say(state="done", began=began, ended=monotonic_ns(), launches=made)
    read_line(channel)
    if hasattr(strategy, "finish"):
        strategy.finish()
    del memory, held


if __name__ == "__main__":
    if sys.argv[1:] == ["list"]:
        list_strategies()
    elif sys.argv[1:] == ["work"]:
        work()
    else:
        sys.exit("usage: worker.py list | work")
