/**
 * What the environment says, read once and checked. A wrong value stops the start with one sentence that names the variable and what it
 * wants; nothing else in the relay reads `process.env`.
 */
import { join } from 'node:path';
import * as v from 'valibot';
import { CALL_TIMES, type CallTimes } from '#shared/model/call.ts';
import { BLOB_MAX_BYTES, PERSON_MAX_BYTES } from '#shared/limits.ts';
import type { LogLevel } from './log.ts';

/** An empty variable means "not set": compose files and `.env` leave them so. */
const optional = <S extends v.GenericSchema<string, unknown>>(schema: S) =>
  v.optional(
    v.union([
      v.pipe(
        v.literal(''),
        v.transform(() => undefined),
      ),
      schema,
    ]),
  );

const wants = (what: string) => `wants ${what}`;
const url = (protocols: string[], what: string) =>
  v.pipe(
    v.string(),
    v.check((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), wants(what)),
  );
const text = v.pipe(v.string(), v.minLength(1));

const MEGABYTES_WANT = wants('a whole number of megabytes, from 1 on');
const megabytes = v.pipe(
  v.string(),
  v.regex(/^\d{1,9}$/, MEGABYTES_WANT),
  v.transform((text) => Number(text) * 1024 ** 2),
  v.minValue(1, MEGABYTES_WANT),
);

/** `host` or `[IPv6]`, and perhaps a port; browsers take no more of it than how it is reached. */
const TURN_ADDRESS = /^(stun|turns?):([^\s/?#@:[\]]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?(\?transport=(udp|tcp))?$/;
const TURN_WANTS = 'TURN addresses with commas between them, such as turn:turn.example.org:3478';
const RING_WANTS = wants('a number of seconds from 5 to 120');

const ORIGIN_WANTS = 'the public address without a path, such as https://chat.example.org';
const Environment = v.object({
  PORT: optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,5}$/, wants('a port number from 0 to 65535')),
      v.transform(Number),
      v.maxValue(65_535, wants('a port number from 0 to 65535')),
    ),
  ),
  HOST: optional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9a-zA-Z.:_-]{1,255}$/, wants('an address to listen on, such as 127.0.0.1 or 0.0.0.0')),
    ),
  ),
  ORIGIN: optional(
    v.pipe(
      url(['http:', 'https:'], ORIGIN_WANTS),
      v.transform((text) => new URL(text)),
      v.check(
        (at) => at.pathname === '/' && at.search === '' && at.hash === '' && at.username === '',
        wants(ORIGIN_WANTS),
      ),
      v.transform((at) => at.origin),
    ),
  ),
  DATA_DIR: optional(text),
  DATABASE_URL: optional(
    url(['postgres:', 'postgresql:'], 'a Postgres address, such as postgres://user:password@host/database'),
  ),
  S3_ENDPOINT: optional(url(['http:', 'https:'], 'the http(s) address of an S3 service')),
  S3_BUCKET: optional(text),
  S3_REGION: optional(text),
  S3_ACCESS_KEY_ID: optional(text),
  S3_SECRET_ACCESS_KEY: optional(text),
  BLOB_MAX_MB: optional(megabytes),
  PERSON_MAX_MB: optional(megabytes),
  NATS_URL: optional(url(['nats:', 'tls:', 'ws:', 'wss:'], 'a NATS address, such as nats://host:4222')),
  TURN_URL: optional(
    v.pipe(
      v.string(),
      v.transform((list) => list.split(',').map((one) => one.trim())),
      v.check((list) => list.every((one) => TURN_ADDRESS.test(one)), wants(TURN_WANTS)),
    ),
  ),
  TURN_SECRET: optional(text),
  RING_SECONDS: optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,3}$/, RING_WANTS),
      v.transform(Number),
      v.minValue(5, RING_WANTS),
      v.maxValue(120, RING_WANTS),
    ),
  ),
  VAPID_SUBJECT: optional(url(['mailto:', 'https:'], 'a mailto: or https: address of whoever runs this server')),
  SIGNUP: optional(v.picklist(['open', 'invite', 'closed'], wants('one of open, invite, closed'))),
  LOG_LEVEL: optional(
    v.picklist(['silent', 'error', 'warn', 'info', 'debug'], wants('one of silent, error, warn, info, debug')),
  ),
});

/** What these hold is not repeated on a terminal. */
const SECRET = /SECRET|KEY|DATABASE_URL|NATS_URL/;

export interface S3Config {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface TurnConfig {
  urls: string[];
  /** Null when there are none but stun: addresses. */
  secret: string | null;
}

export interface Config {
  port: number;
  host: string;
  /** The public address; null when not configured, and then the Host header names us. */
  origin: string | null;
  dataDir: string;
  /** Null means: use the Postgres we bring along. */
  databaseUrl: string | null;
  signup: 'open' | 'invite' | 'closed';
  /** Null means: blobs lie in a folder of the data folder. */
  s3: S3Config | null;
  blobMaxBytes: number;
  /** Of all that one person has brought, together. */
  personMaxBytes: number;
  /** What helps calls through firewalls. */
  turn: TurnConfig;
  callTimes: CallTimes;
  logLevel: LogLevel;
  /** Where the built app lies. */
  buildDir: string;
}

/** Once there is a Postgres, ours or another. */
export type RelayConfig = Omit<Config, 'databaseUrl'> & { databaseUrl: string };

export type ReadConfig = { ok: true; config: Config } | { ok: false; why: string };

export function readConfig(environment: Record<string, string | undefined>, root: string): ReadConfig {
  const read = v.safeParse(Environment, environment);
  if (!read.success) {
    const issue = read.issues[0];
    const name = issue.path?.[0]?.key;
    // A union's own message says nothing of use; what its last branch found does.
    const sentence =
      [issue, ...(issue.issues ?? [])].map((each) => each.message).find((message) => message.startsWith('wants ')) ??
      'has a value that is not allowed';
    const shown = SECRET.test(String(name)) ? '' : `, not "${String(issue.input)}"`;
    return { ok: false, why: `${String(name)} ${sentence}${shown}.` };
  }
  const set = read.output;
  const incomplete = (['S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const).find(
    (name) => set[name] === undefined,
  );
  if (set.S3_ENDPOINT !== undefined && incomplete !== undefined) {
    return { ok: false, why: `${incomplete} wants a value when S3_ENDPOINT is set.` };
  }
  if (set.TURN_SECRET === undefined && set.TURN_URL?.some((one) => !one.startsWith('stun:')) === true)
    return { ok: false, why: 'TURN_SECRET wants a value when TURN_URL is set.' };
  return {
    ok: true,
    config: {
      port: set.PORT ?? 3000,
      host: set.HOST ?? '127.0.0.1',
      origin: set.ORIGIN ?? null,
      dataDir: set.DATA_DIR ?? join(root, 'data'),
      databaseUrl: set.DATABASE_URL ?? null,
      signup: set.SIGNUP ?? 'open',
      s3: readS3(set),
      blobMaxBytes: set.BLOB_MAX_MB ?? BLOB_MAX_BYTES,
      personMaxBytes: set.PERSON_MAX_MB ?? PERSON_MAX_BYTES,
      turn: { urls: set.TURN_URL ?? [], secret: set.TURN_SECRET ?? null },
      callTimes: { ...CALL_TIMES, ...(set.RING_SECONDS && { ringMillis: set.RING_SECONDS * 1000 }) },
      logLevel: set.LOG_LEVEL ?? 'info',
      buildDir: join(root, 'build'),
    },
  };
}

/** Whether the others are there has been looked at; many services know no regions, and take any. */
function readS3(set: v.InferOutput<typeof Environment>): S3Config | null {
  const { S3_ENDPOINT, S3_BUCKET, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = set;
  if (S3_ENDPOINT === undefined) return null;
  return {
    endpoint: S3_ENDPOINT,
    bucket: S3_BUCKET ?? '',
    region: S3_REGION ?? 'us-east-1',
    accessKeyId: S3_ACCESS_KEY_ID ?? '',
    secretAccessKey: S3_SECRET_ACCESS_KEY ?? '',
  };
}
