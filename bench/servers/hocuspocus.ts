/**
 * Hocuspocus 4 with its Database extension on Postgres: a document is one row, written whole two seconds after its last change (ten at most,
 * its defaults). Everybody may do everything: there is no onAuthenticate hook to pay for.
 */
import { Database } from '@hocuspocus/extension-database';
import { Server } from '@hocuspocus/server';
import postgres from 'postgres';

const sql = postgres(process.env.DATABASE_URL ?? '', { max: 8, onnotice: () => undefined });
await sql`create table if not exists documents (name text primary key, state bytea not null, saved int not null default 1)`;

const server = new Server({
  port: Number(process.env.PORT),
  address: '127.0.0.1',
  quiet: true,
  stopOnSignals: false,
  extensions: [
    new Database({
      fetch: async ({ documentName }) => {
        const [row] = await sql<{ state: Uint8Array }[]>`select state from documents where name = ${documentName}`;
        return row?.state ?? null;
      },
      store: async ({ documentName, state }) => {
        await sql`
          insert into documents (name, state) values (${documentName}, ${state})
          on conflict (name) do update set state = excluded.state, saved = documents.saved + 1`;
      },
    }),
  ],
});
await server.listen();
const stop = async (): Promise<void> => {
  await server.destroy();
  await sql.end({ timeout: 5 });
  process.exit(0);
};
process.on('SIGTERM', () => void stop());
process.on('disconnect', () => process.exit(0));
process.send?.({ is: 'ready' });
