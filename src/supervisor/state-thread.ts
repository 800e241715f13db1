import { parentPort } from 'node:worker_threads';
import { besides } from '../checkpoints/worker.ts';
import { watchMainThread, type StallWatchPlan } from '../crashes/stall-watch.ts';
import { collectLater } from '../footprint.ts';

/*
 * The second thread of a daemon: it owns state.db and, because a thread of its own would cost megabytes, watches the
 * main thread too.
 */

if (besides) watchMainThread(besides as StallWatchPlan, (stall) => parentPort?.postMessage({ besides: stall }));
collectLater();
