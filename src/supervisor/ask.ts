import { actions, type Actor } from '../actions/index.ts';
import { failure, sentenceOf } from '../errors.ts';
import type { Daemon } from './api.ts';

/** The one way to ask for an action: the registry knows it, its parameters are checked, the actor carries it out. */
export function createAsk(actor: Actor): Daemon['act'] {
  return async (kind, given, by) => {
    const action = actions.get(kind);
    if (!action) {
      const why = `expected one of ${actions.kinds.join(', ')}, got "${kind}"`;
      throw failure('BODY_INVALID', { path: 'action', why });
    }
    const parameters = action.parameters.safeParse(given);
    if (!parameters.success) {
      const [issue] = parameters.error.issues;
      const why = issue?.message ?? sentenceOf(parameters.error);
      throw failure('BODY_INVALID', { path: issue?.path.join('.') ?? '', why });
    }
    const done = await action.run(parameters.data, actor, by);
    return { ...(typeof done === 'string' ? { message: done } : done), action: kind };
  };
}
