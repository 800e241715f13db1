import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { until } from '../support/temp.ts';
import { crash, openNotifiers, openShelf } from './facts.ts';

interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly secure: boolean;
  readonly user: unknown;
}

/** A mail server in full dialogue: TLS, STARTTLS, passwords, refusals. */
async function mailServer(options: SMTPServerOptions = {}) {
  const mails: Mail[] = [];
  // It warns of its own certificate.
  const quiet = vi.spyOn(console, 'error').mockReturnValue();
  const server = new SMTPServer({
    authOptional: true,
    onAuth: ({ username, password }, _session, done) =>
      password === 'p@ss' ? done(null, { user: username ?? '' }) : done(new Error('who are you?')),
    onData(stream, { envelope, secure, user }, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        const to = envelope.rcptTo.map(({ address }) => address);
        mails.push({ from, to, text: Buffer.concat(chunks).toString(), secure, user });
        done();
      });
    },
    ...options,
  });
  quiet.mockRestore();
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { mails, port: (server.server.address() as AddressInfo).port };
}

const to = { from: 'paramedic@example.com', to: ['admin@example.com', 'night@example.com'] };

describe('mail', () => {
  it('tells people, over STARTTLS when the server offers it, with a password', async () => {
    const { mails, port } = await mailServer();
    const shelf = openShelf();
    const email = { ...to, smtp: `smtp://me:p%40ss@127.0.0.1:${port}`, verify_tls: false };
    const report = { exception_type: 'TypeError', exception_message: 'no plan', stack_trace: 'at plan (/app.js:3:9)' };
    const { notifiers, emitted } = openNotifiers(shelf.store, { email }, { report: () => Promise.resolve(report) });
    shelf.state(crash(1, Date.now()));
    notifiers.wake();
    const mail = await until('the mail', () => mails[0]);
    expect(mail).toMatchObject({ from: to.from, to: to.to, secure: true, user: 'me' });
    expect(mail.text).toMatch(/^Subject: \[high\] worker crashed: unhandled_exception/m);
    expect(mail.text).toMatch(/^Message-ID: <[0-9a-f]{32}@paramedic\./im);
    expect(mail.text).toContain('at plan (/app.js:3:9)');
    await until('it is counted', () => emitted.length > 0);
    expect(emitted).toEqual([expect.objectContaining({ type: 'telemetry.exported', sink: 'email', items: 1 })]);
  });

  it('goes over TLS from the start with smtps', async () => {
    const { mails, port } = await mailServer({ secure: true });
    const shelf = openShelf();
    const { notifiers } = openNotifiers(shelf.store, {
      email: { ...to, smtp: `smtps://127.0.0.1:${port}`, verify_tls: false },
    });
    shelf.state(crash(1, Date.now()));
    notifiers.wake();
    expect(await until('the mail', () => mails[0])).toMatchObject({ secure: true });
  });

  it('waits while the server is not to be trusted, refuses the password or is not ready', async () => {
    let greylisted = 0;
    const { mails, port } = await mailServer({
      onMailFrom: (_address, _session, done) =>
        greylisted++ === 0 ? done(Object.assign(new Error('later'), { responseCode: 451 })) : done(),
    });
    const shelf = openShelf();
    const tell = (email: object) => openNotifiers(shelf.store, { email: { ...to, ...email } });
    shelf.state(crash(1, Date.now()));
    const untrusted = tell({ smtp: `smtp://127.0.0.1:${port}` });
    shelf.state(crash(2, Date.now()));
    untrusted.notifiers.wake();
    await until('trouble with the certificate', () => untrusted.troubles.length > 0);
    const stranger = tell({ smtp: `smtp://me:wrong@127.0.0.1:${port}`, verify_tls: false });
    shelf.state(crash(3, Date.now()));
    stranger.notifiers.wake();
    await until('trouble with the password', () => stranger.troubles.length > 0);
    expect(stranger.troubles.join()).toContain('EAUTH 535');
    expect(stranger.troubles.join()).not.toMatch(/wrong|me:/);
    const late = tell({ smtp: `smtp://127.0.0.1:${port}`, verify_tls: false });
    shelf.state(crash(4, Date.now()));
    late.notifiers.wake();
    await until('the mail', () => mails.some(({ text }) => text.includes('00000004')));
    expect(late.troubles).toEqual([expect.stringContaining('451')]);
  });

  it('that is refused for good is dropped and counted', async () => {
    const { port } = await mailServer({
      onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no such user'), { responseCode: 550 })),
    });
    const shelf = openShelf();
    const { notifiers, emitted } = openNotifiers(shelf.store, {
      email: { ...to, smtp: `smtp://127.0.0.1:${port}`, verify_tls: false },
    });
    shelf.state(crash(1, Date.now()));
    notifiers.wake();
    await until('it is counted', () => emitted.length > 0);
    expect(emitted).toEqual([
      expect.objectContaining({ type: 'telemetry.dropped', sink: 'email', reason: 'export_failed' }),
    ]);
  });
});
