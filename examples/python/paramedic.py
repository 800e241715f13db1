"""What a component written in Python says to Paramedic, and hears from it. Standard library only: copy this file.

    import paramedic

    line = paramedic.connect()
    given = line.restore()
    line.start_heartbeat(5)
    line.on_shutdown(lambda order: line.save_state(state))

Nothing here needs more than the page docs/component-protocol.md.
"""

import collections
import contextlib
import http.client
import json
import os
import socket
import sys
import threading
import time
import traceback
import urllib.parse
import uuid

ATTEMPT_SECONDS = 15.0
SOON_SECONDS = 2.0
# The daemon beats every 15 s: a stream that is silent for so long leads nowhere.
SILENT_SECONDS = 60.0
# It may be restarting: its answers of this kind, like none at all, are no refusal.
PASSING = {408, 429}


class Refused(Exception):
    """The daemon said no. `code` is its word for it (STALE_INCARNATION, BODY_INVALID …)."""

    def __init__(self, status, code, detail):
        super().__init__(detail)
        self.status = status
        self.code = code

    @property
    def passing(self):
        return self.status >= 500 or self.status in PASSING


class DaemonAway(Exception):
    """No answer until the deadline: what was sent may or may not have been stored."""


class Unreadable(Exception):
    """What was saved is in a shape that this program cannot read. Nothing is saved in its place.

    `code` is SCHEMA_NEWER, MIGRATION_MISSING or MIGRATION_FAILED.
    """

    def __init__(self, code, why):
        super().__init__(why)
        self.code = code


class BreakerOpen(Exception):
    """A guarded call was not made. It is worth asking again after `wait_ms`."""

    def __init__(self, dependency, wait_ms):
        super().__init__(f'the breaker of "{dependency}" is open: not called')
        self.wait_ms = wait_ms


def is_supervised():
    return "PARAMEDIC_URL" in os.environ


def connect(deadline=30.0, schema_version=None, migrations=None):
    """The line of this process, as its environment says.

    `schema_version` is that of the shape of the state which this program reads and writes. `migrations` lead to it, each
    from version n to n + 1, by n; where the shape of what is journalled has changed too, with `entry`:

        migrations={1: lambda state: {"done": state}, 2: {"state": widen, "entry": rename}}

    Without a version all is given as it was saved.
    """
    if not is_supervised():
        raise RuntimeError("PARAMEDIC_URL is not set: this process was not started by Paramedic")
    return Line(
        os.environ["PARAMEDIC_URL"],
        os.environ["PARAMEDIC_TOKEN"],
        os.environ["PARAMEDIC_COMPONENT"],
        deadline,
        schema_version=schema_version,
        migrations=migrations,
    )


class Line:
    """A component's line to its supervisor. Its methods may be called from any thread."""

    def __init__(self, url, token, component, deadline, of_another=False, schema_version=None, migrations=None):
        parts = urllib.parse.urlsplit(url)
        self.component = component
        self.recovery_mode = os.environ.get("PARAMEDIC_RECOVERY_MODE") == "1"
        self.dropped = {"heartbeats": 0, "outcomes": 0}
        self._url, self._token, self._deadline = url, token, deadline
        self._address = (parts.hostname, parts.port or 80)
        self._of_another = of_another
        self._schema_version = schema_version
        self._migrations = _checked(schema_version, migrations or {})
        # What there is could not be read: what is saved now would be put in its place.
        self._unread = None
        # Given in another shape than it was saved in, and not saved since.
        self._migrated = False
        self._through = None
        self._handlers = {}
        self._standing = None
        self._stream = None
        self._closed = threading.Event()
        # Held while an operation is journalled and applied, and while a state is taken: what a state contains must be
        # known when it is sent, and states must arrive in their order. While paused, no step begins.
        self.step = _Step()
        self._hold = _Hold(self.step)
        self._lock = threading.Lock()

    # ---- state and journal

    def restore(self):
        """What to continue from: checkpoint_id, state, schema_version, migrated_from, journal, data_loss_seconds.

        Raises Unreadable when it cannot be brought into the shape of this program.
        """
        try:
            return self._take(self._call("GET", "state"))
        except Unreadable as error:
            self._unread = error
            raise

    def save_state(self, state, through=None, schema_version=None, kind=None):
        """A checkpoint, on disk when it returns its id. `through` is the last journal entry that the state contains.

        `kind` is "full" (stored whole, not as what has changed), "disk" (as a file too) or "memory": kept by the daemon,
        on no disk, and lost when that dies.
        """
        with self.step.taking():
            body = self._state_body(state, through, schema_version)
            return self._store("PUT", "state", body, **({"kind": kind} if kind else {}))["checkpoint_id"]

    def journal(self, operation, data=None, entry_id=None):
        """An operation, on disk when it returns its number. With an id of its own it is stored once.

        Where states are taken by another thread (`on_get_state`, `on_shutdown`), apply it within the same step:

            with line.step:
                line.journal("task_done", task)
                state["done"] += 1
        """
        self._require_read()
        self.step.wait()
        entry = {"operation": operation, "data": data, "id": entry_id or str(uuid.uuid4())}
        if self._schema_version is not None:
            entry["schema_version"] = self._schema_version
        number = self._call("POST", "journal", entry)["entry_id"]
        with self._lock:
            self._through = max(self._through or 0, number)
        return number

    # ---- signs of life

    def heartbeat(self, status=None, message=None, progress=None, metrics=None, state=None, dirty_seconds=None):
        said = {"status": status, "message": message, "progress": progress, "metrics": metrics}
        said.update(state=state, dirty_seconds=dirty_seconds)
        if self._migrated and state != "urgent":
            said["state"] = "dirty"
        beat = {key: value for key, value in said.items() if value is not None}
        self._attempt("POST", "heartbeat", beat, 5.0)

    def start_heartbeat(self, interval, beat=dict):
        """Heartbeats from now on, each with what `beat()` returns (the arguments of `heartbeat`). Returns how to stop."""
        stopped = threading.Event()

        def run():
            while not stopped.is_set() and not self._closed.is_set():
                try:
                    self.heartbeat(**beat())
                except Exception:
                    self.dropped["heartbeats"] += 1
                stopped.wait(interval)

        threading.Thread(target=run, daemon=True, name="paramedic-heartbeat").start()
        return stopped.set

    # ---- dependencies

    def guard(self, dependency, call, fallback=None):
        """Makes a call if the dependency's breaker lets it through, and tells how it ended. While the daemon is away it is made."""
        self.step.wait()
        permit_id = None
        path = f"breakers/{urllib.parse.quote(dependency, safe='')}/permit"
        try:
            permit = self._attempt("POST", path, {}, SOON_SECONDS)
            if not permit["permitted"]:
                if fallback:
                    return fallback()
                raise BreakerOpen(dependency, permit["wait_ms"])
            permit_id = permit["permit_id"]
        except Refused as refusal:
            if not refusal.passing:
                raise
        except OSError:
            pass
        began = time.monotonic()
        outcome = {"dependency": dependency, "ok": True}
        try:
            return call()
        except Exception as error:
            reason = "timeout" if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
            outcome.update(ok=False, error=reason[:1000])
            raise
        finally:
            outcome["duration_ms"] = (time.monotonic() - began) * 1000
            if permit_id:
                outcome["permit_id"] = permit_id
            self._tell(outcome)

    def _tell(self, outcome):
        try:
            self._call("POST", "outcomes", [outcome], SOON_SECONDS)
        except (Refused, DaemonAway):
            self.dropped["outcomes"] += 1

    # ---- crashes

    def report_crash(self, error):
        """Tells what the component is about to die of; of a logical component it is the crash."""
        stack = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        told = {"type": type(error).__name__[:200], "message": str(error)[:10000], "stack": stack[:65536]}
        self._call("POST", "crash", told, SOON_SECONDS)

    def install_crash_handler(self):
        """From now on what nobody catches, in any thread, is printed, told, and ends the process with 1."""

        def die(error):
            traceback.print_exception(type(error), error, error.__traceback__)
            sys.stderr.flush()
            try:
                self.report_crash(error)
            except Exception:
                pass
            os._exit(1)

        def hook(_type, error, _traceback):
            if isinstance(error, KeyboardInterrupt):
                sys.__excepthook__(_type, error, _traceback)
            else:
                die(error)

        sys.excepthook = hook
        threading.excepthook = lambda args: die(args.exc_value)

    # ---- commands

    def on_get_state(self, get):
        """`get()` returns the present state; it is stored whenever the daemon asks."""

        def present(through, barrier):
            body = self._state_body(get(), through, None)
            # As long as it could not go on, nothing that others know of is missing from it.
            if barrier is not None:
                self._hold.require_held(barrier)
            return body

        def obey(command_id, data):
            barrier = data.get("barrier")
            if barrier is not None:
                self._carry_out(command_id, lambda: self._hold.shut(barrier))
            with self.step.taking():
                # Entries journalled meanwhile may be missing from what it returns.
                through = self._through
                body = self._carry_out(command_id, lambda: present(through, barrier))
                self._store("POST", f"commands/{command_id}", body)

        self._hear("get_state", obey)

    def on_set_state(self, set_state):
        """`set_state(given)` continues from what it is given, in the form of `restore`."""
        self._hear("set_state", self._when_done(lambda command_id, _: set_state(self._take(self._call("GET", f"commands/{command_id}")))))

    def on_pause(self, pause=lambda order: None, answers=False):
        """Takes part in consistent checkpoints over several components, together with `on_get_state`.

        `pause(order)` brings the program to a point where all that it has begun with others is done, begins nothing more,
        and returns how to go on (a function, or None); it goes on answering what others ask of it. From then on steps,
        `journal` and `guard` wait, until all have saved their states, until that was given up, or until the time
        (`order["hold_ms"]`) is over. When it raises, it is given up, and nothing has been stopped here. It is never called
        while it is still at work for what was given up: the program goes on from that first.

        `answers`: for a program that journals on behalf of others, who cannot finish what they have begun before it has.
        Steps, `journal` and `guard` do not wait before its state is asked for, which is when all have paused. What it
        begins of its own accord, `pause` alone holds back then.
        """
        self._hear("pause", self._when_done(lambda _, data: self._hold.pause(data, pause, answers)))
        self._hear("resume", self._when_done(lambda _, data: self._hold.release(data["barrier"])))

    def on_shutdown(self, leave, exits=True):
        """`leave(order)` does what must be done (`why`, `deadline_ms`); then the process ends with 0."""

        def obey(command_id, data):
            self._hold.release()
            self._answer(command_id, {})
            code = 0
            try:
                leave(data)
            except Exception:
                traceback.print_exc()
                code = 1
            if exits:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)

        self._hear("shutdown", self._when_done(lambda _, data: leave(data)) if self._of_another else obey)

    def on_restart(self, restart):
        """Of a logical component: to begin anew, or again after a stop."""
        self._hear("restart", self._when_done(lambda *_: restart()))

    def on_breaker(self, news):
        """`news(breaker, state, wait_ms)` hears of each breaker that is not closed, and of each change."""
        self._hear("breaker", lambda _, data: news(data["breaker"], data["state"], data["wait_ms"]))

    def on_degradation(self, hear):
        """`hear({"level": …, "features": {NAME: {"enabled", "reason", "fallback"}}})`: at the beginning, and of each change.

        All who listen are told. Most programs want `features`. Returns how to stop.
        """
        with self._lock:
            is_first, self._standing = self._standing is None, self._standing or _Standing()
        stop = self._standing.listen(hear)
        if is_first:
            self._hear("degradation", self._standing.tell, self._standing.take)
        return stop

    def features(self, on_change=None):
        """Which features are on, from now on (`Features`). `on_change(news)` hears of it as `on_degradation` does."""
        return Features(self, on_change)

    def child(self, component, schema_version=None, migrations=None):
        """The line of a logical component (`parent: NAME`) that lives in this process. Its state has its own shape."""
        return Line(self._url, self._token, component, self._deadline, True, schema_version, migrations)

    def close(self):
        """Stops heartbeats and listening."""
        self._closed.set()
        self._hold.release()

    # ---- below: how it is said

    def _take(self, saved):
        given = self._migrate(saved)
        entries = given["journal"]
        last = given.get("through")
        self._unread, self._migrated = None, given["migrated_from"] is not None
        with self._lock:
            self._through = last if last is not None else (entries[-1]["entry_id"] if entries else self._through)
        return given

    def _migrate(self, saved):
        own, version = self._schema_version, saved["schema_version"]
        if own is None:
            return {**saved, "migrated_from": None}
        checkpoint = f"checkpoint {saved['checkpoint_id']}"
        steps = [] if saved["checkpoint_id"] is None else self._steps(version, checkpoint)
        state = saved["state"]
        journal = [(entry, self._steps_of(entry, version)) for entry in saved["journal"]]
        for number, step in steps:
            state = _take_step(checkpoint, number, step.get("state"), state, _no_state)
        for index, (entry, own_steps) in enumerate(journal):
            said = {"operation": entry["operation"], "data": entry["data"]}
            for number, step in own_steps:
                said = _take_step(f"journal entry {entry['entry_id']}", number, step.get("entry"), said, _no_operation)
            journal[index] = {**entry, "operation": said["operation"], "data": said["data"]}
        changed = {"state": state, "journal": journal, "schema_version": own}
        return {**saved, **changed, "migrated_from": version if steps else None}

    def _steps_of(self, entry, of_state):
        version = entry.get("schema_version")
        return self._steps(of_state if version is None else version, f"journal entry {entry['entry_id']}")

    def _steps(self, version, of):
        own = self._schema_version
        versions = f'{of} is of schema version {version}, this program of "{self.component}" reads {own}'
        if version > own:
            raise Unreadable(
                "SCHEMA_NEWER",
                f'{versions}: start a newer one, or go back to an older checkpoint with "paramedic recover"',
            )
        for number in range(version, own):
            if number not in self._migrations:
                raise Unreadable("MIGRATION_MISSING", f"{versions}, and has no migration from {number} to {number + 1}")
        return [(number, self._migrations[number]) for number in range(version, own)]

    def _require_read(self):
        if self._unread:
            raise Unreadable(self._unread.code, f"nothing is saved in its place: {self._unread}")

    def _store(self, method, path, body, **query):
        stored = self._call(method, path, body, **query)
        # In memory it is not there any more when the daemon dies: it counts as changed until it is on disk.
        if stored.get("kind") != "memory":
            self._migrated = False
        return stored

    def _state_body(self, state, through, schema_version):
        self._require_read()
        body = {"state": state}
        schema_version = self._schema_version if schema_version is None else schema_version
        through = self._through if through is None else through
        if through is not None:
            body["through"] = through
        if schema_version is not None:
            body["schema_version"] = schema_version
        return body

    def _carry_out(self, command_id, run):
        try:
            return run()
        except Exception as error:
            self._answer(command_id, {"error": f"{type(error).__name__}: {error}"[:500]})
            raise

    def _when_done(self, run):
        def obey(command_id, data):
            self._carry_out(command_id, lambda: run(command_id, data))
            self._answer(command_id, {})

        return obey

    def _answer(self, command_id, body):
        return self._call("POST", f"commands/{command_id}", body)

    def _hear(self, kind, obey, take=None):
        """`take(data)` is called before anything else is heard, `obey` on a thread of its own."""
        with self._lock:
            self._handlers[kind] = obey, take
            older, self._stream = self._stream, _Stream(self)
        if older:
            older.stop()

    def _path(self, path, **query):
        if self._of_another:
            query = {"component": self.component, **query}
        return f"/component/v1/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")

    def _attempt(self, method, path, body=None, timeout=ATTEMPT_SECONDS, **query):
        """One attempt. Raises Refused, or OSError when there was no answer."""
        connection = http.client.HTTPConnection(*self._address, timeout=timeout)
        try:
            text = None if body is None else json.dumps(body)
            headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
            connection.request(method, self._path(path, **query), text, headers)
            return _read(connection.getresponse())
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def _call(self, method, path, body=None, deadline=None, **query):
        """Attempts until an answer that is final, or until the deadline."""
        until = time.monotonic() + (self._deadline if deadline is None else deadline)
        delay = 0.05
        while True:
            try:
                left = until - time.monotonic()
                return self._attempt(method, path, body, max(0.001, min(ATTEMPT_SECONDS, left)), **query)
            except Refused as refusal:
                if not refusal.passing:
                    raise
                error = refusal
            except OSError as problem:
                error = problem
            if time.monotonic() + delay >= until:
                raise DaemonAway(f"Paramedic does not answer at {self._url}: {error}") from error
            time.sleep(delay)
            delay = min(delay * 2, 1.0)


class Features:
    """What this program may do, and what it is to do without, as the daemon last said.

    Until it has said so all is on, and so is a feature that the configuration does not know.
    """

    def __init__(self, line, on_change):
        self._stop = line.on_degradation(on_change or (lambda news: None))
        self._standing = line._standing

    @property
    def level(self):
        """`full` until the daemon has said: `full`, `reduced`, `minimal`, `emergency` or `offline`."""
        return self._standing.now["level"]

    def is_available(self, name):
        return self.fallback(name) is None

    def fallback(self, name):
        """What to answer in its place; None while it is on."""
        feature = self._standing.now["features"].get(name)
        return None if feature is None or feature["enabled"] else feature["fallback"] or {}

    def run(self, name, work, otherwise=None):
        """Does what the feature is for while it is on. Else the answer is `otherwise(fallback)`, or the fallback itself."""
        answer = self.fallback(name)
        if answer is None:
            return work()
        return otherwise(answer) if otherwise else answer

    def close(self):
        """`on_change` hears no more."""
        self._stop()


class _Standing:
    """What the daemon has said of features last. Who hears of it hears the newest, in its order, and nothing twice."""

    def __init__(self):
        self.now = {"level": "full", "features": {}}
        self._known = False
        self._hearers = {}
        # Held while hearers are told: one at a time.
        self._telling = threading.RLock()

    def listen(self, hear):
        key = object()
        self._hearers[key] = hear, None
        if self._known:
            threading.Thread(target=_quietly, args=(self.tell, None, None), daemon=True).start()
        return lambda: self._hearers.pop(key, None)

    def take(self, data):
        self.now = {"level": data["level"], "features": data["features"]}
        self._known = True

    def tell(self, *_):
        with self._telling:
            now = self.now
            for key, (hear, told) in list(self._hearers.items()):
                if told == now or key not in self._hearers:
                    continue
                self._hearers[key] = hear, now
                try:
                    hear(now)
                except Exception:
                    traceback.print_exc()


class _Step:
    """A lock that a thread may take again. While paused nobody takes it, but for what has begun before."""

    def __init__(self):
        self._lock = threading.RLock()
        self._own = threading.local()
        self.free = threading.Event()
        self.free.set()

    def _depth(self, change=0):
        self._own.depth = getattr(self._own, "depth", 0) + change
        return self._own.depth

    def wait(self):
        """Until something may be begun; a step that is under way is finished."""
        if self._depth() == 0:
            self.free.wait()

    def __enter__(self):
        while True:
            self.wait()
            self._lock.acquire()
            if self._depth() > 0 or self.free.is_set():
                self._depth(1)
                return self
            self._lock.release()

    def __exit__(self, *_error):
        self._depth(-1)
        self._lock.release()

    @contextlib.contextmanager
    def taking(self):
        """When no step is under way, paused or not."""
        with self._lock:
            self._depth(1)
            try:
                yield
            finally:
                self._depth(-1)


class _Hold:
    """A consistent checkpoint over several components is being taken: this one begins nothing, for so long at most."""

    def __init__(self, step):
        self._step = step
        self._lock = threading.Lock()
        # Held while the program pauses or goes on: one at a time, or it would go on while it counts as paused.
        self._program = threading.RLock()
        self._barrier = None
        self._held = False
        self._go_on = None
        self._timer = None
        # How to go on from what is over, until that is done.
        self._owed = []

    def is_held(self, barrier):
        with self._lock:
            return self._held and self._barrier == barrier

    def require_held(self, barrier):
        if not self.is_held(barrier):
            raise RuntimeError("it is not paused any more")

    def shut(self, barrier):
        """From now on no step begins, on behalf of others neither."""
        with self._lock:
            if self._held and self._barrier == barrier:
                self._step.free.clear()
                return
        self.require_held(barrier)

    def pause(self, order, pause, answers=False):
        barrier = order["barrier"]
        until = time.monotonic() + order["hold_ms"] / 1000
        self.release()
        timer = threading.Timer(order["hold_ms"] / 1000, self.release, [barrier])
        timer.daemon = True
        with self._lock:
            self._barrier, self._timer = barrier, timer
        timer.start()
        try:
            with self._program:
                in_time = self._pause(order, pause, answers, until)
        except Exception:
            self.release(barrier)
            raise
        if in_time:
            # A step that is under way ends first.
            with self._step.taking():
                in_time = self.is_held(barrier)
        if not in_time:
            raise RuntimeError("it was paused too late, and goes on")

    def _pause(self, order, pause, answers, until):
        """Whether it was in time. What was given up may have been pausing until now: that takes of our time."""
        self._go_on_now()
        with self._lock:
            if self._barrier != order["barrier"]:
                return False
        left_ms = max(0, round((until - time.monotonic()) * 1000))
        go_on = pause({**order, "hold_ms": left_ms})
        with self._lock:
            if self._barrier == order["barrier"]:
                self._go_on, self._held = go_on, True
                if not answers:
                    self._step.free.clear()
                return True
        if go_on:
            go_on()
        return False

    def release(self, barrier=None):
        with self._lock:
            if self._barrier is None or barrier not in (None, self._barrier):
                return
            timer = self._timer
            if self._go_on:
                self._owed.append(self._go_on)
            self._barrier, self._held, self._go_on, self._timer = None, False, None, None
            self._step.free.set()
        timer.cancel()
        if self._owed:
            with self._program:
                self._go_on_now()

    def _go_on_now(self):
        while self._owed:
            self._owed.pop()()


class _Stream:
    """One stream for all that the program listens for. Goes on when the daemon comes back."""

    def __init__(self, line):
        self._line = line
        self._stopped = threading.Event()
        self._connection = None
        threading.Thread(target=self._run, daemon=True, name="paramedic-commands").start()

    def stop(self):
        self._stopped.set()
        connection = self._connection
        if connection and connection.sock:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _run(self):
        delay = 0.05
        while not self._stopped.is_set() and not self._line._closed.is_set():
            try:
                for kind, command_id, data in self._events():
                    delay = 0.05
                    self._obey(kind, command_id, data)
            except Refused as refusal:
                # A newer life has begun: nothing is heard any more.
                if not refusal.passing:
                    return
            except (OSError, ValueError, AttributeError, http.client.HTTPException):
                pass
            self._stopped.wait(delay)
            delay = min(delay * 2, 1.0)

    def _obey(self, kind, command_id, data):
        handler, take = self._line._handlers.get(kind, (None, None))
        if handler and command_id not in _obeyed:
            # A stream that was cut before we had answered is told again what to do; never so many at a time.
            _obeyed.append(command_id)
            if take:
                take(data)
            threading.Thread(target=_quietly, args=(handler, command_id, data), daemon=True).start()

    def _events(self):
        line = self._line
        connection = http.client.HTTPConnection(*line._address, timeout=SILENT_SECONDS)
        self._connection = connection
        try:
            kinds = ",".join(line._handlers)
            connection.request("GET", line._path("commands", kinds=kinds), headers={"authorization": f"Bearer {line._token}"})
            answer = connection.getresponse()
            if answer.status != 200:
                _read(answer)
            event = {}
            if self._stopped.is_set():
                return
            while raw := answer.readline():
                text = raw.decode().rstrip("\r\n")
                if text == "":
                    if {"id", "event", "data"} <= event.keys():
                        yield event["event"], event["id"], json.loads(event["data"])
                    event = {}
                elif not text.startswith(":"):
                    name, _, value = text.partition(":")
                    event[name] = value.removeprefix(" ")
        finally:
            connection.close()


_obeyed = collections.deque(maxlen=100)


def _checked(schema_version, migrations):
    """Each step as {"state": …, "entry": …}, by the version it goes on from."""
    for number in migrations:
        if schema_version is None or number >= schema_version:
            raise ValueError(f"migrations[{number}] leads past schema_version {schema_version}: its key is the version before it")
    return {number: {"state": step} if callable(step) else step for number, step in migrations.items()}


def _take_step(of, number, change, value, complain):
    """The value as `change` makes it. `complain(value, changed)` says what is wrong with that, if anything."""
    if not change:
        return value
    could_not = f"{of} could not be migrated from schema version {number} to {number + 1}"
    try:
        changed = change(value)
    except Exception as error:
        raise Unreadable("MIGRATION_FAILED", f"{could_not}: {type(error).__name__}: {error}") from error
    if wrong := complain(value, changed):
        raise Unreadable("MIGRATION_FAILED", f"{could_not}: {wrong}")
    return changed


def _no_state(before, state):
    # What changes the state in place and returns nothing would lose it.
    return "it gave back nothing" if state is None and before is not None else None


def _no_operation(_before, said):
    is_one = isinstance(said, dict) and isinstance(said.get("operation"), str) and "data" in said
    return None if is_one else "it gave back no operation with data"


def _quietly(handler, command_id, data):
    try:
        handler(command_id, data)
    except (Refused, DaemonAway):
        # Nobody waits for the answer any more.
        pass
    except Exception:
        traceback.print_exc()


def _read(answer):
    text = answer.read().decode()
    if 200 <= answer.status < 300:
        return json.loads(text) if text else None
    try:
        problem = json.loads(text)
        code, detail = problem.get("code"), problem.get("detail")
    except (ValueError, AttributeError):
        code, detail = None, None
    raise Refused(answer.status, code or f"HTTP_{answer.status}", detail or f"the daemon answered {answer.status}")
