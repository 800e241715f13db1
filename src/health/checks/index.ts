import { registry } from '../../registry.ts';
import { browser } from './browser.ts';
import { command } from './command.ts';
import { heartbeat } from './heartbeat.ts';
import { http } from './http.ts';
import { llm } from './llm.ts';
import { process } from './process.ts';
import { stt } from './stt.ts';
import { system } from './system.ts';
import { tcp } from './tcp.ts';
import { tts } from './tts.ts';
import { twilio } from './twilio.ts';

export const checks = registry(http, tcp, process, heartbeat, command, system, llm, twilio, tts, stt, browser);
