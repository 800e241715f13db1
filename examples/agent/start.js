// `npm start`: Paramedic on this agent, and what to try in a second terminal.
console.log(`An agent of eight programs is being started; examples/agent/README.md tells what they are.
Once it runs, break something from a second terminal:
  curl -X POST http://127.0.0.1:19480/do/crash    the agent dies and comes back with its memory
  curl -X POST http://127.0.0.1:19482/do/hang     it stops answering: its heartbeats are missed
  curl -X POST http://127.0.0.1:19480/do/leak     it eats memory: restarted before the machine suffers
  kill -9 of this daemon, then npm start again    the programs have lived on and are adopted
`);

process.argv.push('start', '--config', 'examples/agent/paramedic.yaml');
await import('../../src/main.ts');
