/**
 * `npm run bench:blobs`: what the relay's memory does while many people upload large files at once, in one go and in pieces, and how fast it gives a file
 * compared with servers that do nothing else. README.md says how.
 */
import { fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { to } from './figures.ts';
import { startRelayProcess } from './relay-process.ts';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '20' },
    megabytes: { type: 'string', default: '200' },
    port: { type: 'string', default: '4390' },
    rounds: { type: 'string', default: '5' },
  },
});
const MEGABYTE = 1024 ** 2;
const [people, megabytes, rounds] = [Number(values.people), Number(values.megabytes), Number(values.rounds)];
const size = megabytes * MEGABYTE;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Somebody {
  cookie: string;
  conversation: string;
}

/** A file that is one megabyte again and again: what it costs to make it must not be what is measured. */
class Film {
  readonly #piece = randomBytes(MEGABYTE);
  readonly sha256: string;

  constructor() {
    const hash = createHash('sha256');
    for (let i = 0; i < megabytes; i++) hash.update(this.#piece);
    this.sha256 = hash.digest('hex');
  }

  *pieces(): Generator<Buffer> {
    for (let i = 0; i < megabytes; i++) yield this.#piece;
  }
}

async function ask(
  method: string,
  address: string,
  headers: Record<string, string>,
  body?: Iterable<Buffer> | string,
): Promise<IncomingMessage> {
  const asked = request(address, { method, headers });
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
  if (typeof body === 'string') asked.end(body);
  else if (body === undefined) asked.end();
  else Readable.from(body).pipe(asked);
  const [response] = await answered;
  return response;
}

async function drained(response: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of response) bytes += (chunk as Buffer).byteLength;
  return bytes;
}

const relay = await startRelayProcess(Number(values.port));
const folder = mkdtempSync(join(tmpdir(), 'ting-bench-blobs-'));
/** Megabytes of the relay's own process, without its Postgres. */
const resident = (): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${relay.pid}/status`, 'utf8'))?.[1]) / 1e3;

async function newcomer(number: number): Promise<Somebody> {
  const json = { 'content-type': 'application/json' };
  const account = { email: `p${number}@example.org`, password: 'correct horse', name: `P${number}` };
  const signedUp = await ask('POST', `${relay.url}/api/auth/signup`, json, JSON.stringify(account));
  await drained(signedUp);
  const cookie = (signedUp.headers['set-cookie']?.[0] ?? '').split(';')[0] ?? '';
  const group = await ask(
    'POST',
    `${relay.url}/api/conversations`,
    { ...json, cookie },
    JSON.stringify({ kind: 'group', members: [] }),
  );
  const { conversation } = (await new Response(Readable.toWeb(group) as ReadableStream).json()) as {
    conversation: { id: string };
  };
  return { cookie, conversation: conversation.id };
}

async function put({ cookie, conversation }: Somebody, film: Film): Promise<void> {
  const address = `${relay.url}/api/blobs/${film.sha256}?conversation=${conversation}`;
  const answer = await ask('PUT', address, { cookie, 'content-length': String(size) }, film.pieces());
  await drained(answer);
  if (answer.statusCode !== 201) throw new Error(`PUT answered ${answer.statusCode}`);
}

async function tus({ cookie, conversation }: Somebody, film: Film): Promise<void> {
  const coded = (text: string): string => Buffer.from(text).toString('base64');
  const headers = { cookie, 'tus-resumable': '1.0.0' };
  const begun = await ask('POST', `${relay.url}/api/uploads`, {
    ...headers,
    'upload-length': String(size),
    'upload-metadata': `sha256 ${coded(film.sha256)},conversation ${coded(conversation)}`,
  });
  await drained(begun);
  const answer = await ask(
    'PATCH',
    relay.url + (begun.headers.location ?? ''),
    {
      ...headers,
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
      'content-length': String(size),
    },
    film.pieces(),
  );
  await drained(answer);
  if (answer.statusCode !== 204) throw new Error(`PATCH answered ${answer.statusCode}`);
}

/** Downloads one after another, and answers megabytes a second of the fastest: what else the machine does only makes it slower. */
async function speed(address: string, headers: Record<string, string>): Promise<number> {
  let best = 0;
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    if ((await drained(await ask('GET', address, headers))) !== size) throw new Error('the file came in part');
    best = Math.max(best, size / 1e6 / ((performance.now() - began) / 1_000));
  }
  return best;
}

try {
  const crowd: Somebody[] = [];
  for (let number = 0; number < people; number++) crowd.push(await newcomer(number));
  let last: { who: Somebody; film: Film } | null = null;
  for (const [name, upload] of [
    ['PUT', put],
    ['tus', tus],
  ] as const) {
    const films = crowd.map(() => new Film());
    const before = resident();
    let most = before;
    const watching = setInterval(() => (most = Math.max(most, resident())), 50);
    const began = performance.now();
    await Promise.all(crowd.map((who, index) => upload(who, films[index] ?? new Film())));
    const seconds = (performance.now() - began) / 1_000;
    clearInterval(watching);
    say(
      `${name}: ${people} people, ${megabytes} MB each, in ${to(seconds, 1)} s (${to((people * size) / 1e6 / seconds)} MB/s); ` +
        `the relay's memory was ${to(before)} MB and at most ${to(most)} MB`,
    );
    const [who, film] = [crowd[0], films[0]];
    if (who !== undefined && film !== undefined) last = { who, film };
  }
  if (last !== null) {
    const { who, film } = last;
    const path = join(folder, 'film');
    writeFileSync(path, Buffer.concat([...film.pieces()]));
    const plain = fork(new URL('./servers/plain-files.ts', import.meta.url).pathname, [path]);
    const [ports] = (await once(plain, 'message')) as [{ node: number; uws: number }];
    const given = await speed(`${relay.url}/api/blobs/${film.sha256}`, { cookie: who.cookie });
    const bare = await speed(`http://127.0.0.1:${ports.uws}/`, {});
    const piped = await speed(`http://127.0.0.1:${ports.node}/`, {});
    plain.kill();
    say(
      `down: the relay ${to(given)} MB/s, bare uWebSockets.js ${to(bare)} MB/s (ratio ${to(given / bare, 2)}), ` +
        `node:http ${to(piped)} MB/s (ratio ${to(given / piped, 2)})`,
    );
  }
} finally {
  await relay.stop();
  rmSync(folder, { recursive: true });
}
