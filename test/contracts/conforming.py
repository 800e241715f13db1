"""A component as the contract of the component protocol wants one: the same as conforming.ts, on the Python client."""

import os
import threading
import time

import paramedic

name = os.environ["PARAMEDIC_COMPONENT"]
# In its second version it counts in an object, and journals so.
grown = os.path.exists(f"{name}.grown")
shape = {}
if grown:
    entry = lambda said: {"operation": said["operation"], "data": {"count": said["data"]}}
    shape = {"schema_version": 2, "migrations": {1: {"state": lambda count: {"count": count}, "entry": entry}}}
elif os.path.exists(f"{name}.strict"):
    shape = {"schema_version": 1}
line = paramedic.connect(**shape)
line.install_crash_handler()


def note(name, text):
    with open(f"{line.component}.{name}", "a") as file:
        file.write(f"{text}\n")


class NoAnswer(Exception):
    pass


def no_answer():
    raise NoAnswer("no route")


def refused(error):
    note("refused", error.code)
    line.start_heartbeat(0.05)
    for attempt in (lambda: line.save_state(0), lambda: line.journal("count", 1)):
        try:
            attempt()
        except paramedic.Unreadable as again:
            note("refused", again.code)
    while True:
        time.sleep(1)


def saved(count):
    return {"count": count} if grown else count


def counted(given):
    if grown:
        assert all("count" in entry["data"] for entry in given["journal"])
    of_state = given["state"] or 0
    return (of_state["count"] if isinstance(of_state, dict) else of_state) + len(given["journal"])


try:
    given = line.restore()
except paramedic.Unreadable as error:
    refused(error)
count = counted(given)
note("restored", count)
note("versions", f"{given['migrated_from']} {given['schema_version']}")


def continue_from(state):
    global count
    with line.step:
        count = counted(state)
        note("given", count)


def leave(order):
    note("left", order["why"])
    line.save_state(saved(count))


line.on_get_state(lambda: saved(count))
line.on_set_state(continue_from)
line.on_shutdown(leave)
line.on_breaker(lambda breaker, state, wait_ms: note("news", f"{breaker} {state}"))


def changed(news):
    note("spoken", f"{news['level']} {features.run('voice', lambda: 'aloud', lambda answer: answer['message'])}")


features = line.features(changed)
line.start_heartbeat(0.05, lambda: {"status": "healthy", "progress": count, "metrics": {"count": count}})

inside = line.child(f"{line.component}_inside")
inside.on_restart(lambda: note("inside", "restart"))
inside.start_heartbeat(0.05)


def calls():
    while True:
        time.sleep(0.03)
        if not os.path.exists(f"{line.component}.call"):
            continue
        try:
            note("called", line.guard("model", no_answer, fallback=lambda: "fallback"))
        except NoAnswer:
            note("called", "failed")


threading.Thread(target=calls, daemon=True).start()
while True:
    if os.path.exists(f"{line.component}.die"):
        os.remove(f"{line.component}.die")
        raise NoAnswer("cannot go on")
    with line.step:
        number = line.journal("count", saved(count + 1))
        count += 1
    note("acknowledged", number)
    time.sleep(0.02)
