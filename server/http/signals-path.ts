/** Where PeerJS's clients look for the call broker: `/calls/` is what they are told, and the rest they add. */
export const SIGNALS_PATH = '/calls/peerjs';
