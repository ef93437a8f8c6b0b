import { expect, test } from 'vitest';
import { readConfig } from './config.ts';

test('nothing is needed', () => {
  expect(readConfig({}, '/app')).toMatchObject({
    ok: true,
    config: { port: 3000, host: '127.0.0.1', origin: null, dataDir: '/app/data', databaseUrl: null, signup: 'open' },
  });
});

test('an empty variable is one that is not set', () => {
  expect(readConfig({ PORT: '', ORIGIN: '', DATABASE_URL: '' }, '/app')).toMatchObject({
    ok: true,
    config: { port: 3000, origin: null },
  });
});

test('values are taken as they are meant', () => {
  const read = readConfig(
    { PORT: '0', HOST: '0.0.0.0', ORIGIN: 'https://Chat.example.org/', SIGNUP: 'closed', DATA_DIR: '/var/ting' },
    '/app',
  );
  expect(read).toMatchObject({
    ok: true,
    config: { port: 0, host: '0.0.0.0', origin: 'https://chat.example.org', signup: 'closed', dataDir: '/var/ting' },
  });
});

test.each([
  ['PORT', 'http'],
  ['PORT', '65536'],
  ['ORIGIN', 'chat.example.org'],
  ['ORIGIN', 'https://chat.example.org/path'],
  ['ORIGIN', 'ftp://chat.example.org'],
  ['SIGNUP', 'sometimes'],
  ['LOG_LEVEL', 'loud'],
  ['BLOB_MAX_MB', '0'],
  ['PERSON_MAX_MB', 'much'],
  ['DATABASE_URL', 'mysql://localhost'],
  ['S3_ENDPOINT', 'nowhere'],
  ['NATS_URL', 'http://localhost'],
  ['TURN_URL', 'turn.example.org'],
  ['TURN_URL', 'turn:me:secret@turn.example.org'],
  ['TURN_URL', 'turn:turn.example.org:3478/udp'],
  ['RING_SECONDS', '4'],
  ['RING_SECONDS', '2 minutes'],
  ['VAPID_SUBJECT', 'me'],
])('a wrong %s is told in one sentence (%s)', (name, value) => {
  const read = readConfig({ [name]: value }, '/app');
  expect(read.ok).toBe(false);
  if (!read.ok) expect(read.why).toMatch(new RegExp(`^${name} wants [^\\n]+\\.$`));
});

test('a secret is not repeated', () => {
  const read = readConfig({ DATABASE_URL: 'mysql://me:secret@localhost' }, '/app');
  expect(!read.ok && read.why).not.toContain('secret');
});

test('TURN servers come with their secret', () => {
  const TURN_URL = 'turn:turn.example.org:3478, turns:[2001:db8::1]:5349?transport=tcp,stun:stun.example.org';
  const read = readConfig({ TURN_URL, TURN_SECRET: 's', RING_SECONDS: '20' }, '/app');
  expect(read).toMatchObject({ ok: true, config: { callTimes: { ringMillis: 20_000, awayMillis: 30_000 } } });
  expect(read.ok && read.config.turn).toEqual({
    urls: ['turn:turn.example.org:3478', 'turns:[2001:db8::1]:5349?transport=tcp', 'stun:stun.example.org'],
    secret: 's',
  });
  expect(readConfig({ TURN_URL: 'stun:stun.example.org' }, '/app').ok).toBe(true);
  const without = readConfig({ TURN_URL }, '/app');
  expect(!without.ok && without.why).toBe('TURN_SECRET wants a value when TURN_URL is set.');
});

test('S3 is handed on whole, and limits in bytes', () => {
  const read = readConfig(
    {
      S3_ENDPOINT: 'http://s3.local',
      S3_BUCKET: 'b',
      S3_ACCESS_KEY_ID: 'k',
      S3_SECRET_ACCESS_KEY: 's',
      BLOB_MAX_MB: '10',
    },
    '/app',
  );
  expect(read).toMatchObject({
    config: {
      s3: { endpoint: 'http://s3.local', bucket: 'b', region: 'us-east-1', accessKeyId: 'k', secretAccessKey: 's' },
      blobMaxBytes: 10 * 1024 ** 2,
      personMaxBytes: 50 * 1024 ** 3,
    },
  });
  expect(readConfig({}, '/app')).toMatchObject({ config: { s3: null } });
});

test('half of an S3 is none', () => {
  expect(readConfig({ S3_ENDPOINT: 'http://s3.local', S3_BUCKET: 'b' }, '/app')).toEqual({
    ok: false,
    why: 'S3_ACCESS_KEY_ID wants a value when S3_ENDPOINT is set.',
  });
});
