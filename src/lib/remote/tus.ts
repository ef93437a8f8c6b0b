/** Large blobs, by the tus protocol (tus.io, 1.0): what was cut off goes on where it stopped. The only importer of `tus-js-client`. */
import { DetailedError, type HttpRequest, type HttpResponse, Upload } from 'tus-js-client';
import { type Bringing, type Brought, judged, type Parcel } from './bring.ts';
import type { Send } from './send.ts';

const ENDPOINT = '/api/uploads';

export function bringInPieces(send: Send, parcel: Parcel, { progress, began, signal }: Bringing): Promise<Brought> {
  return new Promise((resolve) => {
    const upload: Upload = new Upload(parcel.bytes, {
      endpoint: ENDPOINT,
      ...(parcel.resumeAt !== undefined && { uploadUrl: parcel.resumeAt }),
      metadata: { sha256: parcel.sha256, conversation: parcel.conversation },
      uploadSize: parcel.bytes.size,
      // Whoever called tries again, when there is a network.
      retryDelays: null,
      storeFingerprintForResuming: false,
      httpStack: { createRequest: (method, url) => new Request(send, method, url), getName: () => 'send' },
      fileReader: { openFile: (bytes: Blob) => Promise.resolve(source(bytes)) },
      onProgress: progress,
      onUploadUrlAvailable: () => began(upload.url ?? ''),
      onSuccess: () => resolve({ is: 'there' }),
      onError: (why) => resolve(meaning(why)),
    });
    signal.addEventListener('abort', () => {
      void upload.abort();
      resolve({ is: 'away' });
    });
    upload.start();
  });
}

function meaning(why: Error): Brought {
  const response = why instanceof DetailedError ? why.originalResponse : null;
  return response === null ? { is: 'away' } : judged({ status: response.getStatus(), body: response.getBody() });
}

const source = (bytes: Blob) => ({
  size: bytes.size,
  slice: (from: number, to: number) =>
    Promise.resolve({ value: bytes.slice(from, to), done: Math.min(to, bytes.size) >= bytes.size }),
  close: () => undefined,
});

/** A request as the library wants it, sent as everything here is sent. */
class Request implements HttpRequest {
  readonly #send: Send;
  readonly #method: string;
  readonly #url: string;
  readonly #headers: Record<string, string> = {};
  readonly #stop = new AbortController();
  #progress: (sent: number) => void = () => undefined;

  constructor(send: Send, method: string, url: string) {
    this.#send = send;
    this.#method = method;
    this.#url = url;
  }

  getMethod(): string {
    return this.#method;
  }

  getURL(): string {
    return this.#url;
  }

  setHeader(name: string, value: string): void {
    this.#headers[name] = value;
  }

  getHeader(name: string): string | undefined {
    return this.#headers[name];
  }

  setProgressHandler(handler: (sent: number) => void): void {
    this.#progress = handler;
  }

  async send(body: Blob | null = null): Promise<HttpResponse> {
    const answer = await this.#send({
      method: this.#method,
      url: this.#url,
      headers: this.#headers,
      body,
      progress: (sent) => this.#progress(sent),
      signal: this.#stop.signal,
    });
    return {
      getStatus: () => answer.status,
      getHeader: (name) => answer.header(name) ?? undefined,
      getBody: () => answer.body,
      getUnderlyingObject: () => answer,
    };
  }

  abort(): Promise<void> {
    this.#stop.abort();
    return Promise.resolve();
  }

  getUnderlyingObject(): this {
    return this;
  }
}
