import { connect } from '../../src/client/index.ts';

/** Does what a component does, and then has nothing more to do: it must end by itself, without a close. */
const paramedic = connect();
paramedic.onGetState(() => ({ state: {} }));
paramedic.startHeartbeat({ intervalMs: 60_000 });
await paramedic.restore();
await paramedic.journal('a');
await paramedic.saveState({});
