/** What the living room needs of a socket; the door hands in uWebSockets.js's, tests a pair of arrays. */
export interface Socket {
  send(bytes: Uint8Array): void;
  close(code: number, reason: string): void;
  /** Bytes that were sent and have not left yet. */
  bufferedBytes(): number;
}
