/**
 * What most chats are built from: a message is POSTed, gets the conversation's next number and a row in Postgres in one statement, everybody's
 * unread count is read, and socket.io tells the message to the room and each member their count. Lean on purpose: no framework, no session
 * look-up, unread as a subtraction.
 *
 *   POST /<conversation>  {by, text, at}     one message
 *   GET  /<conversation>?after=<seq>&limit=  the messages after a number, or the newest
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import postgres from 'postgres';
import { Server } from 'socket.io';

const sql = postgres(process.env.DATABASE_URL ?? '', {
  max: 8,
  onnotice: () => undefined,
  types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
});
await sql.unsafe(`
  create table if not exists conversations (id text primary key, last_seq bigint not null default 0);
  create table if not exists members (conversation text, user_id text, read_seq bigint not null default 0, primary key (conversation, user_id));
  create table if not exists messages (conversation text, seq bigint, author text not null, at bigint not null, text text not null,
    primary key (conversation, seq));
`);

const server = createServer((request, response) => {
  void answer(request, response).catch(() => response.writeHead(500).end());
});
const io = new Server(server);
io.on('connection', (socket) => {
  const { conversation, person } = socket.handshake.query as { conversation: string; person: string };
  void socket.join([conversation, person]);
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const conversation = url.pathname.slice(1);
  if (request.method === 'POST') return post(conversation, await bodyOf(request), response);
  const after = url.searchParams.get('after');
  const limit = Number(url.searchParams.get('limit') ?? '50');
  const rows =
    after === null
      ? await sql`select seq, author, at, text from messages where conversation = ${conversation} order by seq desc limit ${limit}`
      : await sql`
          select seq, author, at, text from messages where conversation = ${conversation} and seq > ${Number(after)}
          order by seq limit ${limit}`;
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(rows));
}

async function post(conversation: string, body: string, response: ServerResponse): Promise<void> {
  const { by, at, text } = JSON.parse(body) as { by: string; at: number; text: string };
  const [row] = await sql<{ seq: number }[]>`
    with next as (
      update conversations set last_seq = last_seq + 1 where id = ${conversation}
        and exists (select 1 from members where conversation = ${conversation} and user_id = ${by})
      returning last_seq
    )
    insert into messages (conversation, seq, author, at, text) select ${conversation}, last_seq, ${by}, ${at}, ${text} from next
    returning seq`;
  if (row === undefined) return void response.writeHead(403).end();
  const unread = await sql<{ user_id: string; unread: number }[]>`
    select user_id, ${row.seq}::bigint - read_seq as unread from members where conversation = ${conversation}`;
  io.to(conversation).emit('message', { conversation, seq: row.seq, by, at, text });
  for (const each of unread) io.to(each.user_id).emit('unread', { conversation, unread: each.unread });
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(row));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
  return body;
}

server.listen(Number(process.env.PORT), '127.0.0.1', () => process.send?.({ is: 'ready' }));
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
