/** What the living room needs of a socket; the door hands in uWebSockets.js's, tests a pair of arrays. */
export interface Socket {
  send(bytes: Uint8Array): void;
  /** What is sent in `sends` leaves in one write: a write costs more than what is in it. */
  together(sends: () => void): void;
  close(code: number, reason: string): void;
  /** Bytes that were sent and have not left yet. */
  bufferedBytes(): number;
}
