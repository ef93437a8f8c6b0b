/**
 * Blobs in S3, or in what speaks it: `blobs/<sha256>`. What is large goes in parts, a few of them in memory at a time, and becomes an object with the last
 * one only: a crash leaves nothing under the name. (The parts that it leaves are the bucket's to expire.)
 *
 * Checksums of their own are asked for only where the protocol wants them: other servers than Amazon's do not know them, and the name is one.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import pLimit from 'p-limit';
import { isSha256, type Sha256 } from '#shared/ids.ts';
import { NotReady } from '../exchange.ts';
import type { BlobStore } from './store.ts';

const PREFIX = 'blobs/';
/** S3 takes at most 10,000 parts, and none but the last smaller than 5 MB. */
const PART_BYTES = 8 * 1024 ** 2;
const PARTS_MAX_COUNT = 10_000;
const PARTS_AT_ONCE = 3;
/** However many arrive together: so many times that many parts are in memory. The others wait as files. */
const KEPT_AT_ONCE = 4;
const CONNECTED_BY_MILLIS = 5_000;
/** Of a connection on which nothing moves. A reader who takes nothing is hung up on before. */
const SILENT_FOR_MILLIS = 90_000;

export interface S3Parts {
  endpoint: string;
  bucket: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
}

export interface S3Store extends BlobStore {
  /** Makes the bucket when it is not there. Fails when the service cannot be reached, or does not want us. */
  prepare(): Promise<void>;
  stop(): void;
}

export function s3Store({ endpoint, bucket, region, accessKeyId, secretAccessKey }: S3Parts): S3Store {
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    // The bucket in the path, and not in the host's name, which most have no DNS for.
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECTED_BY_MILLIS, socketTimeout: SILENT_FOR_MILLIS },
  });
  const inTurn = pLimit(KEPT_AT_ONCE);
  const at = (sha256: Sha256) => ({ Bucket: bucket, Key: PREFIX + sha256 });

  const prepare = async (): Promise<void> => {
    try {
      await client.send(new HeadBucketCommand({ Bucket: bucket }));
    } catch (why) {
      if (!isMissing(why)) throw why;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
    }
  };

  const put = async (sha256: Sha256, path: string, size: number): Promise<void> => {
    const partSize = Math.max(PART_BYTES, Math.ceil(size / PARTS_MAX_COUNT));
    const Body = createReadStream(path, { highWaterMark: 1024 ** 2 });
    const params = { ...at(sha256), Body, ContentType: 'application/octet-stream' };
    try {
      await new Upload({ client, params, partSize, queueSize: PARTS_AT_ONCE }).done();
    } finally {
      Body.destroy();
    }
  };

  return {
    keep(sha256, path, size) {
      return inTurn(async () => {
        try {
          await put(sha256, path, size);
        } catch (why) {
          // The service was not there when the relay came up.
          if (!(why instanceof Error && why.name === 'NoSuchBucket')) throw awayOr(why);
          await prepare().catch(rethrow);
          await put(sha256, path, size).catch(rethrow);
        }
      });
    },

    async *read(sha256, range) {
      const Range = range === undefined ? undefined : `bytes=${range.first}-${range.last}`;
      const { Body } = await client
        .send(new GetObjectCommand({ ...at(sha256), ...(Range === undefined ? {} : { Range }) }))
        .catch(rethrow);
      if (Body === undefined) throw new Error('the store answered without bytes');
      // In Node it is one; whoever stops reading it closes its connection.
      yield* Body as Readable as AsyncIterable<Uint8Array>;
    },

    async size(sha256) {
      try {
        return (await client.send(new HeadObjectCommand(at(sha256)))).ContentLength ?? null;
      } catch (why) {
        if (isMissing(why)) return null;
        throw awayOr(why);
      }
    },

    async remove(sha256) {
      await client.send(new DeleteObjectCommand(at(sha256))).catch(rethrow);
    },

    async *list() {
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: PREFIX })) {
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
          const name = Key.slice(PREFIX.length);
          if (isSha256(name)) yield { sha256: name, size: Size, at: LastModified?.getTime() ?? 0 };
        }
      }
    },

    prepare,

    stop() {
      client.destroy();
    },
  };
}

const isMissing = (why: unknown): boolean =>
  why instanceof Error && (why.name === 'NotFound' || why.name === 'NoSuchKey' || statusOf(why) === 404);

/** What no answer came to, and what the service itself says is its own trouble (5xx, or more than it takes at once). */
function awayOr(why: unknown): unknown {
  const status = why instanceof Error ? statusOf(why) : undefined;
  const isAway = why instanceof Error && (status === undefined || status >= 500 || status === 429);
  return isAway ? new NotReady('what keeps the blobs does not answer', { cause: why }) : why;
}

function rethrow(why: unknown): never {
  throw awayOr(why);
}

function statusOf(why: object): number | undefined {
  return '$metadata' in why ? (why.$metadata as { httpStatusCode?: number }).httpStatusCode : undefined;
}
