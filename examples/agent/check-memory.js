/*
 * A check of our own, as any program can be one: exit code 0 is well, and the last line of output is the message.
 * Asks the memory system (its address is the argument) whether it has lost or doubled a fact.
 */

const answer = await fetch(`${process.argv[2]}/facts`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
if (!answer?.ok) {
  console.log('the memory system does not answer');
  process.exit(1);
}
const { count, facts } = await answer.json();
const ids = new Set(facts.map(({ id }) => id));
if (ids.size !== facts.length || facts.length > count) {
  console.log(`${facts.length - ids.size} facts are doubled`);
  process.exit(1);
}
console.log(`${count} facts, none doubled`);
