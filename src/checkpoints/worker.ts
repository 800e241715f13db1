import { parentPort, workerData } from 'node:worker_threads';
import { quickCheck } from '../storage/open.ts';
import { createCipher } from './cipher.ts';
import { createGroupCommit, inOnePiece, isWrite, type Write } from './group-commit.ts';
import { openStates, type OpenStates } from './open-states.ts';
import type { Answer, DroppedResume, FromWorker, Sent, WorkerData } from './protocol.ts';
import { Refusal, toRefused } from './refusal.ts';
import { read, verify } from './read.ts';
import { restore } from './restore.ts';
import { resumeDropped, resumeFrom } from './resume.ts';
import { createWalKeeper } from './wal-keeper.ts';

/*
 * The thread that owns state.db. What arrives while a commit runs waits and is committed together: the next group.
 * Requests are answered in the order in which they came; a write is answered when it is on disk.
 */

const MOST_IN_A_GROUP = 1_000;
const MOST_BYTES_IN_A_GROUP = 32 * 2 ** 20;

const port = parentPort;
if (!port) throw new Error('this file is a worker: createStateStore starts it');
/** Bytes that go with the next message without being copied. */
const given: ArrayBuffer[] = [];
const post = (message: FromWorker): void => port.postMessage(message, given.splice(0));

const queue: Sent[] = [];
let begin: ((data: WorkerData) => void) | undefined;
port.on('message', (message: WorkerData | readonly Sent[]) => {
  if (!isLetter(message)) return begin?.(message);
  if (queue.length === 0) setImmediate(next);
  queue.push(...message);
});

const data = (workerData as WorkerData | null) ?? (await whatIsToBeOpened());
const { file, checkpointsFolder, eventsFile, now, checkpointEventsEveryMs, keys } = data;
/** For what else lives on this thread. */
export const besides = data.besides;
const opened = open();
const { db, states, setAside, losses, lostResumes, rekeyed } = opened;
for (const dropped of data.dropped) dropResume(dropped);
for (const component of data.leaving) states.resumes.awaited(component);
const { commitGroup, commits } = createGroupCommit(db, states, opened.raiseMarks);
const walKeeper =
  eventsFile === null
    ? undefined
    : createWalKeeper(eventsFile, checkpointEventsEveryMs, () => post({ eventsMoved: true }));
post({ opened: { setAside, losses, lostResumes, rekeyed } });
opened.acceptLosses();

function isLetter(message: WorkerData | readonly Sent[]): message is readonly Sent[] {
  return Array.isArray(message);
}

/** It was started before that was known. */
function whatIsToBeOpened(): Promise<WorkerData> {
  return new Promise((resolve) => {
    begin = resolve;
    post({ waits: true });
  });
}

function open(): OpenStates {
  try {
    return openStates(file, now, createCipher(keys), checkpointsFolder ?? undefined);
  } catch (error) {
    if (error instanceof Refusal) post({ refused: error.refused });
    throw error;
  }
}

/** The thread before this one died before it had said whether it had done so. */
function dropResume(dropped: DroppedResume): void {
  try {
    resumeDropped(states, dropped);
  } catch {
    // A full disk must not keep all else from being read; whoever wants it dropped knows that it may not be.
  }
}

/** One group of writes or one other request at a time: what arrived meanwhile joins the queue in between. */
function next(): void {
  const writes = nextGroup();
  const answers = writes.length > 0 ? commitGroup(writes) : queue.slice(0, 1).map(answer);
  queue.splice(0, answers.length);
  post({ answers, commits: commits() });
  if (!db.open) port?.close();
  else if (queue.length > 0) setImmediate(next);
}

function nextGroup(): Write[] {
  const group: Write[] = [];
  let bytes = 0;
  for (const request of queue) {
    if (!isWrite(request) || group.length === MOST_IN_A_GROUP) break;
    bytes += request.body.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (group.length > 0 && bytes > MOST_BYTES_IN_A_GROUP) break;
    group.push(inOnePiece(request));
  }
  return group;
}

function answer(request: Sent): Answer {
  try {
    return { id: request.id, value: perform(request) };
  } catch (error) {
    return { id: request.id, refused: toRefused(error) };
  }
}

function perform(request: Sent): unknown {
  switch (request.job) {
    case 'restore': {
      const answer = restore(states, request);
      given.push(answer.restored.state.buffer, answer.restored.journal.buffer);
      return answer;
    }
    case 'resumeFrom':
      resumeFrom(states, request);
      opened.raiseMarks();
      return null;
    case 'resumeBegun':
      return states.resumes.begun(request.component, request.at);
    case 'resumeAwaited':
      return states.resumes.awaited(request.component);
    case 'resumeDropped':
      return resumeDropped(states, request);
    case 'resumePoints':
      return states.resumes
        .all()
        .map(({ component, checkpoint, at }) => ({ component, checkpoint_id: checkpoint, at }));
    case 'strayFiles':
      return states.files.all(request.component).filter(({ checkpoint_id: id }) => !states.checkpoints.one(id));
    case 'remembered':
      return states.remembered();
    case 'list':
      return states.checkpoints.list(request.component, request.most);
    case 'read': {
      const answer = read(states, request);
      if (answer.found) given.push(answer.found.state.buffer);
      return answer;
    }
    case 'storeHeld': {
      const stored = states.storeHeld(request.component);
      opened.raiseMarks();
      return stored;
    }
    case 'verify':
      return verify(states, request.checkpoint, request.at);
    case 'manifest':
      return states.manifests.add(request);
    case 'manifests':
      return request.only === null ? states.manifests.list() : [states.manifests.one(request.only)].filter(Boolean);
    case 'expireManifests':
      return states.manifests.expire(request);
    case 'integrity':
      return request.store === 'state' ? quickCheck(db) : (walKeeper?.quickCheck() ?? 'ok');
    case 'expirable':
      return states.expirable(request);
    case 'expire':
      return states.expire(request);
    case 'trim':
      return states.journalled.trim(request.component);
    case 'sweep':
      return states.chunks.sweep();
    case 'vacuum':
      return states.vacuum();
    case 'retireKeys':
      return opened.retireKeys();
    case 'close':
      walKeeper?.close();
      opened.close();
      return null;
    case 'put':
    case 'patch':
    case 'journal':
      throw new Error('writes are committed in groups');
  }
}
