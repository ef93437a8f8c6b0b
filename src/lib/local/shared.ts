/**
 * What another app has shared with this one (the Web Share Target of the manifest): put aside by the service worker, taken by the conversation that the
 * person chooses. One at a time: what is shared next replaces what nobody took.
 */
export interface Shared {
  text: string;
  files: File[];
}

/** Where the manifest has it sent to, and where the person is asked. */
export const SHARED_AT = '/share';
const CACHE = 'ting-ting:shared';
const TEXT = '/shared/text';
const NAME = 'x-file-name';

export async function keepShared(form: FormData): Promise<void> {
  await forgetShared();
  const cache = await caches.open(CACHE);
  const said = ['text', 'url'].map((field) => form.get(field)).filter((one) => typeof one === 'string' && one !== '');
  const title = form.get('title');
  // A title alone is all there is to say; beside a text it repeats it.
  const text = said.length > 0 ? said.join('\n') : typeof title === 'string' ? title : '';
  await cache.put(TEXT, new Response(text));
  const files = form.getAll('files').filter((one) => one instanceof File);
  for (const [at, file] of files.entries()) {
    const headers = { 'content-type': file.type, [NAME]: encodeURIComponent(file.name) };
    await cache.put(`/shared/${String(at)}`, new Response(file, { headers }));
  }
}

/** Null when there is nothing, or nothing can be kept here. */
export async function readShared(): Promise<Shared | null> {
  if (typeof caches === 'undefined' || !(await caches.has(CACHE))) return null;
  const cache = await caches.open(CACHE);
  const text = (await (await cache.match(TEXT))?.text()) ?? '';
  const files: File[] = [];
  for (let at = 0; ; at += 1) {
    const kept = await cache.match(`/shared/${String(at)}`);
    if (kept === undefined) break;
    const name = decodeURIComponent(kept.headers.get(NAME) ?? '');
    files.push(new File([await kept.blob()], name, { type: kept.headers.get('content-type') ?? '' }));
  }
  return text === '' && files.length === 0 ? null : { text, files };
}

export async function forgetShared(): Promise<void> {
  if (typeof caches !== 'undefined') await caches.delete(CACHE);
}
