"""An agent that works through tasks, remembers how far it has come, and is told when to leave."""

import time

import paramedic

line = paramedic.connect()
line.install_crash_handler()

# What was on disk before, with what was journalled after it.
given = line.restore()
done = (given["state"] or {"done": 0})["done"] + len(given["journal"])
print(f"{done} tasks are done already", flush=True)

line.start_heartbeat(1, lambda: {"progress": done, "metrics": {"tasks_done": done}})
line.on_get_state(lambda: {"done": done})
line.on_shutdown(lambda order: line.save_state({"done": done}))


def think(number):
    """Stands for a call to a model, which may fail."""
    time.sleep(0.05)
    return f"answer {number}"


while True:
    try:
        line.guard("model", lambda: think(done + 1))
    except paramedic.BreakerOpen as refused:
        time.sleep(max(0.1, refused.wait_ms / 1000))
        continue
    # Journalled when it is done: a crash in between does it once more, and never loses it.
    with line.step:
        line.journal("task_done", {"number": done + 1})
        done += 1
    if done % 100 == 0:
        line.save_state({"done": done})
