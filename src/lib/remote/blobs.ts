/** Blobs of the relay: where they are, and fetching one with how much has come. Never throws. */
import type { Sha256 } from '#shared/ids.ts';

export type FetchedBlob =
  | { is: 'here'; bytes: Blob }
  /** The relay does not have it, or not for this person. */
  | { is: 'gone' }
  /** The relay could not be reached, or not just now. */
  | { is: 'away' };

export type FetchBlob = (
  sha256: Sha256,
  options: { received: (bytes: number) => void; signal: AbortSignal },
) => Promise<FetchedBlob>;

export const blobAddress = (sha256: Sha256): string => `/api/blobs/${sha256}`;

export const fetchBlob: FetchBlob = async (sha256, { received, signal }) => {
  try {
    const response = await fetch(blobAddress(sha256), { credentials: 'same-origin', signal });
    if (response.status === 403 || response.status === 404) return { is: 'gone' };
    if (!response.ok || response.body === null) return { is: 'away' };
    const type = response.headers.get('content-type') ?? '';
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let count = 0;
    for (const reader = response.body.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      received((count += value.byteLength));
    }
    return { is: 'here', bytes: new Blob(chunks, { type }) };
  } catch {
    return { is: 'away' };
  }
};
