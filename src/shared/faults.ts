/**
 * Every refusal, said once. Edges translate a fault: HTTP into problem+json with `status` and `code`, sockets into `close`. Close codes follow
 * y-websocket 3: 4400–4499 are final for the client, everything else means "try again".
 */
export const FAULTS = {
  'invalid-input': { status: 400, close: 4400, log: 'info', title: 'A field has a value that is not allowed' },
  'malformed-frame': { status: 400, close: 4400, log: 'warn', title: 'The frame could not be read' },
  'signed-out': { status: 401, close: 4401, log: 'info', title: 'There is no session' },
  'wrong-credentials': { status: 401, close: 4401, log: 'info', title: 'The address or the password is wrong' },
  'not-allowed': { status: 403, close: 4403, log: 'info', title: 'This is not allowed to you' },
  'wrong-origin': { status: 403, close: 4403, log: 'warn', title: 'The request comes from another site' },
  'not-a-member': { status: 403, close: 4403, log: 'info', title: 'You are not in this conversation' },
  'not-visible': { status: 403, close: 4403, log: 'info', title: 'It was written before you joined' },
  'signup-closed': {
    status: 403,
    close: 4403,
    log: 'info',
    title: 'This server does not take new people by themselves',
  },
  'forged-update': { status: 403, close: 4403, log: 'warn', title: 'The update changes what is not yours to change' },
  'not-found': { status: 404, close: 4404, log: 'info', title: 'There is nothing here' },
  'conversation-deleted': {
    status: 410,
    close: 4410,
    log: 'info',
    title: 'The group was deleted by its owner',
  },
  'wrong-method': { status: 405, close: 4405, log: 'info', title: 'This address does not take that method' },
  'email-taken': { status: 409, close: 4409, log: 'info', title: 'There is an account with this address already' },
  conflict: { status: 409, close: 4409, log: 'info', title: 'It exists already, and differs' },
  'last-owner': {
    status: 409,
    close: 4409,
    log: 'info',
    title: 'The owner cannot leave before handing the group over',
  },
  'wrong-hash': { status: 400, close: 4400, log: 'info', title: 'The bytes are not those that were announced' },
  'too-large': { status: 413, close: 4413, log: 'info', title: 'It is larger than the limit' },
  'too-many': { status: 422, close: 4422, log: 'info', title: 'There are more of them than the limit' },
  'share-used-up': { status: 413, close: 4413, log: 'info', title: 'Your share of the storage is used up' },
  'range-not-satisfiable': { status: 416, close: 4416, log: 'info', title: 'It is shorter than that' },
  'too-fast': { status: 429, close: 4529, log: 'info', title: 'Too many requests; wait a moment' },
  'relay-fault': { status: 500, close: 4500, log: 'error', title: 'The server made a mistake' },
  'no-room': { status: 507, close: 4507, log: 'error', title: 'The server has no room for it' },
  'not-ready': { status: 503, close: 4503, log: 'info', title: 'The server is starting or stopping; try again' },
} as const satisfies Record<string, { status: number; close: number; log: 'info' | 'warn' | 'error'; title: string }>;

export type Fault = keyof typeof FAULTS;

export function isFault(word: unknown): word is Fault {
  return typeof word === 'string' && Object.hasOwn(FAULTS, word);
}

/** Whether a client that was closed with this code should give up (4400–4499) or come back. */
export const isFinalClose = (code: number): boolean => code >= 4400 && code < 4500;
