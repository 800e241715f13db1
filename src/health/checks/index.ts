import { registry } from '../../registry.ts';
import { browser } from './browser.ts';
import { command } from './command.ts';
import { disk } from './disk.ts';
import { engine } from './engine.ts';
import { eventLog } from './event-log.ts';
import { eventLoop } from './event-loop.ts';
import { file } from './file.ts';
import { gmail } from './gmail.ts';
import { heartbeat } from './heartbeat.ts';
import { http } from './http.ts';
import { identity } from './identity.ts';
import { llm } from './llm.ts';
import { network } from './network.ts';
import { pendingReboot } from './pending-reboot.ts';
import { ping } from './ping.ts';
import { process } from './process.ts';
import { scheduler } from './scheduler.ts';
import { stt } from './stt.ts';
import { successRate } from './success-rate.ts';
import { system } from './system.ts';
import { systemdUnit } from './systemd-unit.ts';
import { tcp } from './tcp.ts';
import { token } from './token.ts';
import { tts } from './tts.ts';
import { twilio } from './twilio.ts';

export const checks = registry(
  http,
  tcp,
  process,
  engine,
  heartbeat,
  ping,
  command,
  system,
  llm,
  gmail,
  twilio,
  tts,
  stt,
  browser,
  file,
  disk,
  network,
  token,
  identity,
  systemdUnit,
  eventLog,
  pendingReboot,
  scheduler,
  successRate,
  eventLoop,
);
