/** As much of the measured servers' packages as is used here: they are installed only when somebody measures. */
declare module '@hocuspocus/server' {
  export class Server {
    constructor(configuration: {
      port: number;
      address: string;
      quiet: boolean;
      stopOnSignals: boolean;
      extensions: unknown[];
    });
    listen(): Promise<unknown>;
    destroy(): Promise<void>;
  }
}
declare module '@hocuspocus/extension-database' {
  export class Database {
    constructor(configuration: {
      fetch: (data: { documentName: string }) => Promise<Uint8Array | null>;
      store: (data: { documentName: string; state: Uint8Array }) => Promise<void>;
    });
  }
}
declare module 'socket.io' {
  import type { Server as HttpServer } from 'node:http';
  interface Socket {
    handshake: { query: Record<string, unknown> };
    join(rooms: string[]): Promise<void> | void;
  }
  export class Server {
    constructor(server: HttpServer);
    on(event: 'connection', listener: (socket: Socket) => void): this;
    to(room: string): { emit(event: string, value: unknown): boolean };
  }
}
