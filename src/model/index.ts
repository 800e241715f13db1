export * from './component.ts';
export * from './crash.ts';
export * from './events.ts';
export * from './health.ts';
export * from './ids.ts';
export * from './process.ts';
export * from './restart.ts';
