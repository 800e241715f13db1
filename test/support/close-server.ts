import type { Server } from 'node:http';

/** Ends a server with whatever speaks to it; null: there is none. */
export async function closeServer(server: Server | null): Promise<void> {
  server?.closeAllConnections();
  if (server) await new Promise((resolve) => server.close(resolve));
}
