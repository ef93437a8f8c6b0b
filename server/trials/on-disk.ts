/**
 * What the disk says, in sentences about what is wrong. Rule S3 from the outside: whatever a device holds that it did not write itself came from the
 * relay, and so must be on the disk. To be asked while nothing is on its way: no device is connected.
 */
import * as Y from 'yjs';
import { checkDocuments } from '../storage/check.ts';
import { buildDocument, loadDocuments } from '../storage/documents.ts';
import { connect, type Sql } from '../storage/sql.ts';
import type { Crowd } from './crowd.ts';
import type { Device } from './device.ts';

/** Every document is as it should be, every number that anybody has seen is there, and no device holds what is not there. */
export async function lookAtDisk(databaseUrl: string, { ledger, devices }: Crowd): Promise<string[]> {
  const sql = connect(databaseUrl, { max: 1 });
  try {
    const { findings } = await checkDocuments(sql);
    const found = findings.map(({ document, what }) => `${document} ${what}`);
    found.push(...(await ledger.compare(sql)));
    for (const device of devices) found.push(...(await aheadOfDisk(device, sql)));
    return found;
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** A sentence for each document of which the device knows more than the disk. */
async function aheadOfDisk(device: Device, sql: Sql): Promise<string[]> {
  const stored = await loadDocuments(sql, [...device.kept.keys()]);
  return [...device.kept].flatMap(([name, { doc, own }], index) => {
    const disk = buildDocument(stored[index] ?? { updates: [] });
    const ahead = [...changesBeyond(doc, disk, own), ...deletionsBeyond(doc, disk, device.touched)];
    disk.destroy();
    return ahead.length === 0 ? [] : [`${device.name} holds of ${name} what is not on disk: ${ahead.join(', ')}`];
  });
}

function changesBeyond(doc: Y.Doc, disk: Y.Doc, own: ReadonlySet<number>): string[] {
  const onDisk = Y.decodeStateVector(Y.encodeStateVector(disk));
  return [...Y.decodeStateVector(Y.encodeStateVector(doc))].flatMap(([client, clock]) =>
    !own.has(client) && clock > (onDisk.get(client) ?? 0) ? [`${clock - (onDisk.get(client) ?? 0)} by ${client}`] : [],
  );
}

/** Deletions name nobody; those of keys that were changed on this device may be its own. */
function deletionsBeyond(doc: Y.Doc, disk: Y.Doc, touched: ReadonlySet<string>): string[] {
  const ahead: string[] = [];
  for (const [client, ranges] of Y.createDeleteSetFromStructStore(doc.store).clients) {
    const structs = disk.store.clients.get(client) ?? [];
    for (const { clock, len } of ranges) {
      if (clock >= Y.getState(disk.store, client)) continue;
      for (let i = Y.findIndexSS(structs, clock); i < structs.length; i++) {
        const struct = structs[i];
        if (struct === undefined || struct.id.clock >= clock + len) break;
        if (struct instanceof Y.Item && !struct.deleted && !touched.has(struct.parentSub ?? ''))
          ahead.push(`the deletion of ${struct.parentSub ?? 'a stamp'}`);
      }
    }
  }
  return ahead;
}
