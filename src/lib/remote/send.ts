/** One request whose body may be large: with how much of it has gone, which `fetch` does not tell. */

export interface Sending {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: Blob | string | null;
  /** Bytes of the body that have gone. */
  progress: (sent: number) => void;
  signal: AbortSignal;
}

export interface Answer {
  status: number;
  header(name: string): string | null;
  body: string;
}

/** Rejects when there was no answer. */
export type Send = (request: Sending) => Promise<Answer>;

export const send: Send = ({ method, url, headers, body, progress, signal }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', ({ loaded }) => progress(loaded));
    request.addEventListener('load', () =>
      resolve({
        status: request.status,
        header: (name) => request.getResponseHeader(name),
        body: request.responseText,
      }),
    );
    const failed = (): void => reject(new Error('There was no answer.'));
    request.addEventListener('error', failed);
    request.addEventListener('abort', failed);
    signal.addEventListener('abort', () => request.abort());
    request.send(body);
  });
