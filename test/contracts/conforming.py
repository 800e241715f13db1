"""A component as the contract of the component protocol wants one: the same as conforming.ts, on the Python client."""

import os
import threading
import time

import paramedic

line = paramedic.connect()
line.install_crash_handler()


def note(name, text):
    with open(f"{line.component}.{name}", "a") as file:
        file.write(f"{text}\n")


class NoAnswer(Exception):
    pass


def no_answer():
    raise NoAnswer("no route")


given = line.restore()
count = (given["state"] or 0) + len(given["journal"])
note("restored", count)


def continue_from(state):
    global count
    with line.step:
        count = state["state"] + len(state["journal"])
        note("given", count)


def leave(order):
    note("left", order["why"])
    line.save_state(count)


line.on_get_state(lambda: count)
line.on_set_state(continue_from)
line.on_shutdown(leave)
line.on_breaker(lambda breaker, state, wait_ms: note("news", f"{breaker} {state}"))
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
        number = line.journal("count", count + 1)
        count += 1
    note("acknowledged", number)
    time.sleep(0.02)
