import { parentPort, workerData } from 'node:worker_threads';
import '../checkpoints/worker.ts';
import { watchMainThread, type StallWatchPlan } from '../crashes/stall-watch.ts';

/*
 * The second thread of a daemon: it owns state.db and, because a thread of its own would cost megabytes, watches the
 * main thread too.
 */

const { besides } = workerData as { besides: StallWatchPlan | null };
if (besides) watchMainThread(besides, (stall) => parentPort?.postMessage({ besides: stall }));
