/**
 * One attempt at media between two people: a PeerJS MediaConnection, seen as states. PeerJS neither renegotiates nor restarts ICE, and closes what
 * has failed; so a line is used once, and a new one is dialled beside it when it breaks (link.ts). Both sides always send one audio and one video
 * track, if need be empty ones: what is sent changes by `replaceTrack`, without negotiating again.
 */
import { ObservableV2 } from 'lib0/observable';
import type { MediaConnection } from 'peerjs';
import type { PeerId } from '#shared/ids.ts';

export type LineState = 'dialling' | 'open' | 'broken' | 'closed';

/** What this side sends. */
export interface Sent {
  audio: MediaStreamTrack;
  video: MediaStreamTrack;
}

interface LineEvents {
  state: (state: LineState) => void;
  stream: (stream: MediaStream) => void;
}

export class Line extends ObservableV2<LineEvents> {
  readonly peer: PeerId;
  /** This side began it. */
  readonly isOurs: boolean;
  readonly #connection: MediaConnection;
  #state: LineState = 'dialling';
  #stream: MediaStream | null = null;
  #answered = false;

  constructor(connection: MediaConnection, isOurs: boolean) {
    super();
    this.#connection = connection;
    this.peer = connection.peer as PeerId;
    this.isOurs = isOurs;
    connection.on('stream', (stream) => {
      if (this.#stream?.id === stream.id) return;
      this.#stream = stream;
      this.emit('stream', [stream]);
    });
    connection.on('iceStateChanged', (state) => this.#ice(state));
    connection.on('close', () => this.#became('closed'));
    connection.on('error', () => this.close());
  }

  get state(): LineState {
    return this.#state;
  }

  get stream(): MediaStream | null {
    return this.#stream;
  }

  /** Null once it is closed. */
  get connection(): RTCPeerConnection | null {
    return (this.#connection.peerConnection as RTCPeerConnection | null | undefined) ?? null;
  }

  answer(sent: Sent): void {
    if (this.isOurs || this.#answered || this.#state === 'closed') return;
    this.#answered = true;
    this.#connection.answer(streamOf(sent));
  }

  async send(sent: Sent): Promise<void> {
    for (const sender of this.connection?.getSenders() ?? []) {
      const track = sender.track?.kind === 'video' ? sent.video : sent.audio;
      if (sender.track !== null && sender.track !== track) await sender.replaceTrack(track);
    }
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#connection.close();
    // PeerJS says nothing when it was not open yet.
    this.#became('closed');
  }

  #ice(state: RTCIceConnectionState): void {
    switch (state) {
      case 'connected':
      case 'completed':
        return this.#became('open');
      case 'disconnected':
        return this.#became('broken');
      case 'failed':
      case 'closed':
        return this.close();
      case 'new':
      case 'checking':
        return;
    }
  }

  #became(state: LineState): void {
    if (state === this.#state || this.#state === 'closed') return;
    this.#state = state;
    this.emit('state', [state]);
  }
}

export const streamOf = ({ audio, video }: Sent): MediaStream => new MediaStream([audio, video]);
