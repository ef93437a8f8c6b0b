/** The rules A1–A14 on real Y.Docs: honest devices of all habits are let through, whatever they did offline; forgers are not. */
import fc from 'fast-check';
import * as Y from 'yjs';
import { describe, expect, test } from 'vitest';
import { newConversationId, newCallId, newMessageId, newUserId, type MessageId, type UserId } from '#shared/ids.ts';
import type { Message } from '#shared/model/message.ts';
import { deletedOf, messagesOf, orderOf, reactionKey, reactionsOf } from '#shared/model/page.ts';
import type { DocName } from '#shared/model/doc-names.ts';
import { authorize, type Scene, type Verdict } from './authorize.ts';
import { PAGE_ROOTS } from '#shared/model/page.ts';
import { contentOf } from './test-stage.ts';

const an = newUserId();
const binh = newUserId();
const admin = newUserId();

/** A relay in miniature: judges, and applies what it accepts, without stamps or disk. */
class Bench {
  readonly doc = new Y.Doc();
  readonly clients = new Map<number, UserId | null>();
  readonly claims = new Map<number, UserId>();
  readonly authors = new Map<MessageId, UserId>();
  kind: DocName['kind'] = 'page';
  standings = new Map<UserId, Scene['standing']>([
    [an, { role: 'member', kind: 'group' }],
    [binh, { role: 'member', kind: 'group' }],
    [admin, { role: 'admin', kind: 'group' }],
  ]);
  /** What calls left, on pages that are not here. */
  readonly traces = new Set<MessageId>();
  /** What the index answers for a message that is not here. */
  lookup: (id: MessageId) => UserId | null | undefined = (id) => this.authors.get(id) ?? null;

  constructor(kind: DocName['kind'] = 'page') {
    this.kind = kind;
    const roots = {
      page: ['messages', 'deleted', 'reactions', 'votes'],
      conversation: ['meta', 'pins', 'members', 'pages'],
      personal: ['drafts', 'read', 'prefs'],
    };
    for (const root of roots[kind]) this.doc.getMap(root);
    if (kind === 'page') orderOf(this.doc);
  }

  judge(person: UserId, update: Uint8Array): Verdict {
    return authorize(update, {
      doc: this.doc,
      kind: this.kind,
      person,
      standing: this.standings.get(person) ?? null,
      ownerOfClient: (client) => (client === this.doc.clientID ? null : this.clients.get(client)),
      claimant: (client) => this.claims.get(client),
      authorOf: (id) => this.lookup(id),
      isTrace: (id) => this.traces.has(id),
    });
  }

  take(person: UserId, update: Uint8Array): Verdict {
    const before = Y.encodeStateAsUpdate(this.doc);
    const verdict = this.judge(person, update);
    expect(Y.encodeStateAsUpdate(this.doc), 'judging changes nothing').toEqual(before);
    if (verdict.is === 'accept') {
      for (const client of verdict.clients) this.clients.set(client, person);
      Y.applyUpdate(this.doc, verdict.repeats ? Y.diffUpdate(update, Y.encodeStateVector(this.doc)) : update);
      expect(this.doc.store.pendingStructs, 'an accepted update is complete').toBeNull();
      expect(this.doc.store.pendingDs).toBeNull();
      if (this.kind === 'page')
        for (const [id, value] of messagesOf(this.doc).entries()) this.authors.set(id as MessageId, value.by);
    }
    return verdict;
  }

  /** The relay's own writing. */
  write(change: (doc: Y.Doc) => void): void {
    this.doc.transact(() => change(this.doc));
    this.clients.set(this.doc.clientID, null);
  }
}

/** A device that starts from what the bench has. */
function device(bench: Bench, gc = true): Y.Doc {
  const doc = new Y.Doc({ gc });
  pull(bench, doc);
  return doc;
}
const pull = (bench: Bench, doc: Y.Doc): void =>
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(bench.doc, Y.encodeStateVector(doc)), 'relay');
/** As a sync answer: what the bench lacks, and every deletion the device knows of. */
const push = (bench: Bench, person: UserId, doc: Y.Doc): Verdict =>
  bench.take(person, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(bench.doc)));

/** The update of one change alone. */
function change(doc: Y.Doc, write: (doc: Y.Doc) => void): Uint8Array {
  const updates: Uint8Array[] = [];
  const note = (update: Uint8Array): void => void updates.push(update);
  doc.on('update', note);
  doc.transact(() => write(doc));
  doc.off('update', note);
  return updates.length === 1 && updates[0] !== undefined ? updates[0] : Y.mergeUpdates(updates);
}

const say = (by: UserId, text = 'xin chào', more: Partial<Message> = {}): Message => ({
  by,
  at: 1_700_000_000_000,
  text,
  ...more,
});
const post = (by: UserId, id: MessageId, text?: string) => (doc: Y.Doc) => void messagesOf(doc).set(id, say(by, text));
const bury = (by: UserId, id: MessageId) => (doc: Y.Doc) => {
  messagesOf(doc).delete(id);
  deletedOf(doc).set(id, { by, at: 1 });
};
const put = (root: string, key: string, value: unknown) => (doc: Y.Doc) => void doc.getMap(root).set(key, value);

function expectRefused(verdict: Verdict, fault?: string): void {
  expect(verdict.is, JSON.stringify(verdict)).toBe('refuse');
  if (verdict.is === 'refuse' && fault !== undefined) expect(verdict.fault).toBe(fault);
}
const expectAccepted = (verdict: Verdict): void => expect(verdict.is, JSON.stringify(verdict)).toBe('accept');

describe('messages', () => {
  test("[A1] a message in the sender's own name is accepted, in another's it is not", () => {
    const bench = new Bench();
    const id = newMessageId();
    const verdict = bench.take(an, change(device(bench), post(an, id)));
    expect(verdict).toMatchObject({ is: 'accept', empty: false, messages: new Set([id]) });
    expectRefused(bench.take(an, change(device(bench), post(binh, newMessageId()))), 'forged-update');
  });

  test('[C9] nobody writes what is left of a call, here or on another page; whose it is may delete it', () => {
    const bench = new Bench();
    const [here, elsewhere] = [newMessageId(), newMessageId()];
    const call: Message['call'] = { id: newCallId(), video: false, outcome: 'missed', seconds: 0 };
    expectRefused(bench.take(an, change(device(bench), put('messages', newMessageId(), say(an, '', { call })))));
    expectRefused(bench.take(an, change(device(bench), put('messages', newMessageId(), say(an, 'chữ', { call })))));
    bench.write((doc) => messagesOf(doc).set(here, say(an, '', { call })));
    bench.authors.set(here, an);
    bench.authors.set(elsewhere, an);
    bench.traces.add(elsewhere);
    for (const id of [here, elsewhere])
      expectRefused(bench.take(an, change(device(bench), post(an, id, 'tôi không gọi'))), 'forged-update');
    expectRefused(bench.take(binh, change(device(bench), bury(binh, here))), 'not-allowed');
    expectAccepted(bench.take(an, change(device(bench), bury(an, here))));
  });

  test('[A2] only the author edits', () => {
    const bench = new Bench();
    const id = newMessageId();
    const mine = device(bench);
    expectAccepted(bench.take(an, change(mine, post(an, id))));
    expectAccepted(bench.take(an, change(mine, post(an, id, 'sửa'))));
    expect(messagesOf(bench.doc).get(id)?.text).toBe('sửa');
    expectRefused(bench.take(binh, change(device(bench), post(binh, id))), 'forged-update');
    expectRefused(bench.take(admin, change(device(bench), post(admin, id))), 'forged-update');
  });

  test("[A2] a stranger's set does not pass by not naming its predecessor, or by being deleted already", () => {
    const bench = new Bench();
    const id = newMessageId();
    bench.take(an, change(device(bench), post(an, id)));
    expectRefused(bench.take(binh, change(new Y.Doc(), post(binh, id))), 'forged-update');
    const forger = new Y.Doc();
    post(binh, id)(forger);
    messagesOf(forger).delete(id);
    expectRefused(bench.take(binh, Y.encodeStateAsUpdate(forger)), 'forged-update');
    expect(messagesOf(bench.doc).get(id)?.by).toBe(an);
  });

  test('[A2] two devices of one author edit at the same time', () => {
    const bench = new Bench();
    const id = newMessageId();
    bench.take(an, change(device(bench), post(an, id)));
    const [phone, laptop] = [device(bench), device(bench)];
    const edits = [change(phone, post(an, id, 'một')), change(laptop, post(an, id, 'hai'))];
    for (const edit of edits) expectAccepted(bench.take(an, edit));
    // Each then answers a sync step with all it knows, its deletions included.
    pull(bench, phone);
    pull(bench, laptop);
    expectAccepted(push(bench, an, phone));
    expectAccepted(push(bench, an, laptop));
    expect(messagesOf(phone).toJSON()).toEqual(messagesOf(bench.doc).toJSON());
  });

  test('[A2] an author edits on one device what another of theirs has not sent yet', () => {
    const bench = new Bench();
    const id = newMessageId();
    const [phone, laptop] = [device(bench), device(bench)];
    const written = change(phone, post(an, id));
    Y.applyUpdate(laptop, written);
    const edited = change(laptop, post(an, id, 'sửa'));
    expect(bench.take(an, edited).is).toBe('missing');
    expectAccepted(push(bench, an, laptop));
    expectAccepted(bench.take(an, written));
    expect(messagesOf(bench.doc).get(id)?.text).toBe('sửa');
  });

  test('[A3] [A13] the author or an admin deletes; another member does not', () => {
    const bench = new Bench();
    const [first, second] = [newMessageId(), newMessageId()];
    const mine = device(bench);
    bench.take(an, change(mine, post(an, first)));
    bench.take(an, change(mine, post(an, second)));
    expectRefused(bench.take(binh, change(device(bench), bury(binh, first))), 'not-allowed');
    expectRefused(
      bench.take(
        binh,
        change(device(bench), (doc) => messagesOf(doc).delete(first)),
      ),
      'not-allowed',
    );
    expectRefused(bench.take(binh, change(device(bench), put('deleted', first, { by: binh, at: 1 }))), 'not-allowed');
    expectRefused(bench.take(admin, change(device(bench), bury(an, first))), 'forged-update');
    expectAccepted(bench.take(an, change(mine, bury(an, first))));
    const verdict = bench.take(admin, change(device(bench), bury(admin, second)));
    expect(verdict).toMatchObject({ is: 'accept', messages: new Set([second]), tombstones: new Set([second]) });
    expect(messagesOf(bench.doc).size).toBe(0);
  });

  test('[A3] in a direct conversation nobody deletes what the other wrote', () => {
    const bench = new Bench();
    bench.standings.set(binh, { role: 'owner', kind: 'direct' });
    const id = newMessageId();
    bench.take(an, change(device(bench), post(an, id)));
    expectRefused(bench.take(binh, change(device(bench), bury(binh, id))), 'not-allowed');
  });

  test('[A3] a trace cannot be set for what does not exist, nor taken back', () => {
    const bench = new Bench();
    const id = newMessageId();
    const mine = device(bench);
    expectRefused(
      bench.take(an, change(device(bench), put('deleted', newMessageId(), { by: an, at: 1 }))),
      'forged-update',
    );
    bench.take(an, change(mine, post(an, id)));
    bench.take(an, change(mine, bury(an, id)));
    expectRefused(
      bench.take(
        an,
        change(mine, (doc) => deletedOf(doc).delete(id)),
      ),
      'forged-update',
    );
  });

  test('[A3] author and admin delete at the same time, offline', () => {
    for (let round = 0; round < 8; round++) {
      const bench = new Bench();
      const id = newMessageId();
      bench.take(an, change(device(bench), post(an, id)));
      const [mine, theirs] = [device(bench), device(bench)];
      bury(an, id)(mine);
      bury(admin, id)(theirs);
      expectAccepted(push(bench, an, mine));
      pull(bench, theirs);
      expectAccepted(push(bench, admin, theirs));
      pull(bench, mine);
      expectAccepted(push(bench, an, mine));
      expect(deletedOf(bench.doc).has(id)).toBe(true);
      expect(deletedOf(mine).toJSON()).toEqual(deletedOf(bench.doc).toJSON());
    }
  });

  test("[A4] a late edit by the author passes (the relay removes it again); a stranger's reuse of the id does not", () => {
    const bench = new Bench();
    const id = newMessageId();
    const mine = device(bench);
    bench.take(an, change(mine, post(an, id)));
    const phone = device(bench);
    bench.take(an, change(mine, bury(an, id)));
    expectAccepted(bench.take(an, change(phone, post(an, id, 'muộn'))));
    const laptop = device(bench);
    expectAccepted(
      bench.take(
        an,
        change(laptop, (doc) => messagesOf(doc).delete(id)),
      ),
    );
    expectRefused(bench.take(binh, change(device(bench), post(binh, id))), 'forged-update');
    expectRefused(bench.take(binh, change(new Y.Doc(), post(binh, id))), 'forged-update');
  });

  test('[A4] of a message that the relay wrote for its author and that is deleted, the index tells the author', () => {
    const bench = new Bench();
    const id = newMessageId();
    bench.write(post(an, id));
    bench.write(bury(an, id));
    bench.lookup = () => undefined;
    expect(bench.take(an, change(device(bench), post(an, id)))).toEqual({ is: 'lookup', ids: [id] });
    bench.lookup = () => an;
    expectRefused(bench.take(binh, change(device(bench), post(binh, id))), 'forged-update');
    expectAccepted(bench.take(an, change(device(bench), post(an, id))));
  });

  test("[A4] an id that is stamped on another page is its author's there too", () => {
    const bench = new Bench();
    const id = newMessageId();
    bench.authors.set(id, an);
    expectRefused(bench.take(binh, change(device(bench), post(binh, id))), 'forged-update');
    expectAccepted(bench.take(an, change(device(bench), post(an, id))));
  });
});

describe('what honest devices did without a network', () => {
  test('[A10] write, edit, edit, delete: all before the first sync', () => {
    const bench = new Bench();
    const [kept, dropped] = [newMessageId(), newMessageId()];
    const phone = device(bench);
    post(an, dropped, 'một')(phone);
    post(an, dropped, 'hai')(phone);
    post(an, kept, 'giữ')(phone);
    post(an, dropped, 'ba')(phone);
    phone.transact(() => bury(an, dropped)(phone));
    post(an, kept, 'giữ, sửa')(phone);
    expectAccepted(push(bench, an, phone));
    expect(messagesOf(bench.doc).toJSON()).toEqual({ [kept]: say(an, 'giữ, sửa') });
    // And goes on from there.
    expectAccepted(bench.take(an, change(phone, post(an, kept, 'tiếp'))));
  });

  test('[A10] what was written before a reload and is deleted after it, told before what it builds on', () => {
    const bench = new Bench();
    const id = newMessageId();
    const before = device(bench);
    post(an, id)(before);
    const after = new Y.Doc();
    Y.applyUpdate(after, Y.encodeStateAsUpdate(before));
    // Goes out as soon as there is a connection; the rest when the relay has said what it lacks.
    expect(bench.take(an, change(after, bury(an, id))).is).toBe('missing');
    expectAccepted(push(bench, an, after));
    expect(deletedOf(bench.doc).has(id)).toBe(true);
  });

  test('[A10] several loads of the page, each with its own client id', () => {
    const bench = new Bench();
    const id = newMessageId();
    let disk = Y.encodeStateAsUpdate(device(bench));
    for (let load = 0; load < 5; load++) {
      const doc = new Y.Doc();
      Y.applyUpdate(doc, disk);
      post(an, load === 3 ? newMessageId() : id, `lần ${load}`)(doc);
      if (load === 4) bury(an, id)(doc);
      disk = Y.encodeStateAsUpdate(doc);
    }
    const verdict = bench.take(an, disk);
    expect(verdict).toMatchObject({ is: 'accept' });
    expect(new Set(bench.clients.values())).toEqual(new Set([an]));
    expect(messagesOf(bench.doc).size).toBe(1);
  });

  test('[A6] react, unreact, react; delete a message one reacted to', () => {
    const bench = new Bench();
    const id = newMessageId();
    const phone = device(bench);
    const key = reactionKey({ message: id, user: an, emoji: '👍' });
    post(an, id)(phone);
    reactionsOf(phone).set(key, 1);
    reactionsOf(phone).delete(key);
    reactionsOf(phone).set(key, 2);
    expectAccepted(push(bench, an, phone));
    reactionsOf(phone).delete(key);
    bury(an, id)(phone);
    reactionsOf(phone).set(key, 3);
    expectAccepted(push(bench, an, phone));
    expect(reactionsOf(bench.doc).toJSON()).toEqual({ [key]: 3 });
  });

  test('[A10] whole documents sent again, by devices with and without garbage collection', () => {
    for (const gc of [true, false]) {
      const bench = new Bench();
      const phone = device(bench, gc);
      for (let i = 0; i < 20; i++) {
        const id = newMessageId();
        post(an, id)(phone);
        if (i % 3 === 0) post(an, id, 'sửa')(phone);
        if (i % 4 === 0) bury(an, id)(phone);
        expectAccepted(push(bench, an, phone));
      }
      bench.write((doc) =>
        orderOf(doc).insert(0, [
          [1, newMessageId(), 1],
          [2, newMessageId(), 1],
        ]),
      );
      pull(bench, phone);
      expect(bench.take(an, Y.encodeStateAsUpdate(phone))).toMatchObject({ is: 'accept', empty: true });
      // Another person's device sends everything it has, too.
      expect(bench.take(binh, Y.encodeStateAsUpdate(device(bench)))).toMatchObject({ is: 'accept', empty: true });
      post(an, newMessageId())(phone);
      expect(bench.take(an, Y.encodeStateAsUpdate(phone))).toMatchObject({ is: 'accept', empty: false, repeats: true });
      expect(contentOf(bench.doc, PAGE_ROOTS)).toEqual(contentOf(phone, PAGE_ROOTS));
    }
  });

  test('[A10] a run of deleted changes of which the relay knows the first part', () => {
    const bench = new Bench();
    const phone = device(bench);
    const id = newMessageId();
    post(an, id, 'một')(phone);
    post(an, id, 'hai')(phone);
    expectAccepted(push(bench, an, phone));
    post(an, id, 'ba')(phone);
    post(an, id, 'bốn')(phone);
    post(an, id, 'năm')(phone);
    const whole = Y.encodeStateAsUpdate(phone);
    expect(bench.take(an, whole)).toMatchObject({ is: 'accept', empty: false, repeats: true });
    expect(messagesOf(bench.doc).get(id)?.text).toBe('năm');
  });

  test('[A10] an update with a gap before it is not judged, but asked for', () => {
    const bench = new Bench();
    const phone = device(bench);
    const lost = change(phone, post(an, newMessageId()));
    const late = change(phone, post(an, newMessageId()));
    expect(bench.take(an, late)).toEqual({ is: 'missing' });
    expect(
      bench.take(
        an,
        change(phone, (doc) => messagesOf(doc).clear()),
      ).is,
    ).toBe('missing');
    expectAccepted(bench.take(an, lost));
    expectAccepted(bench.take(an, late));
  });
});

describe('reactions and votes', () => {
  test("[A6] only in one's own name, and only one's own are removed", () => {
    const bench = new Bench();
    const id = newMessageId();
    for (const root of ['reactions', 'votes']) {
      const key = reactionKey({ message: id, user: an, emoji: root === 'votes' ? 'a' : '❤️' });
      expectAccepted(bench.take(an, change(device(bench), put(root, key, 5))));
      expectRefused(bench.take(binh, change(device(bench), put(root, key, 6))), 'forged-update');
      expectRefused(
        bench.take(
          admin,
          change(device(bench), (doc) => doc.getMap(root).delete(key)),
        ),
        'forged-update',
      );
      expectRefused(bench.take(an, change(device(bench), put(root, key, 'x'))), 'invalid-input');
      expectAccepted(
        bench.take(
          an,
          change(device(bench), (doc) => doc.getMap(root).delete(key)),
        ),
      );
    }
  });
});

describe("what is the relay's alone", () => {
  test('[A5] stamps, members and pages', () => {
    const page = new Bench();
    page.write((doc) => orderOf(doc).insert(0, [[1, newMessageId(), 1]]));
    const stamp = [2, newMessageId(), 1] as [number, MessageId, number];
    expectRefused(
      page.take(
        admin,
        change(device(page), (doc) => orderOf(doc).insert(1, [stamp])),
      ),
      'forged-update',
    );
    expectRefused(
      page.take(
        admin,
        change(device(page), (doc) => orderOf(doc).insert(0, [stamp])),
      ),
      'forged-update',
    );
    expectRefused(
      page.take(
        admin,
        change(new Y.Doc(), (doc) => orderOf(doc).insert(0, [stamp])),
      ),
      'forged-update',
    );
    expectRefused(
      page.take(
        admin,
        change(device(page), (doc) => orderOf(doc).delete(0, 1)),
      ),
      'forged-update',
    );
    expectRefused(page.take(admin, change(device(page), put('order', 'x', 1))), 'forged-update');

    const root = new Bench('conversation');
    root.write((doc) => {
      doc.getMap('members').set(an, { role: 'member', name: 'An', joinedAt: 1 });
      doc.getMap('pages').set('current', 0);
    });
    for (const write of [
      put('members', an, { role: 'owner', name: 'An', joinedAt: 1 }),
      put('members', binh, { role: 'owner', name: 'B', joinedAt: 1 }),
      put('pages', 'current', 7),
      (doc: Y.Doc) => doc.getMap('members').delete(an),
      (doc: Y.Doc) => doc.getMap('pages').delete('current'),
    ]) {
      expectRefused(root.take(admin, change(device(root), write)), 'forged-update');
    }
  });

  test('[A7] a client id is continued only by the person who introduced it', () => {
    const bench = new Bench();
    const mine = device(bench);
    bench.take(an, change(mine, post(an, newMessageId())));
    const forger = device(bench);
    forger.clientID = mine.clientID;
    expectRefused(bench.take(binh, change(forger, post(binh, newMessageId()))), 'forged-update');
    const relays = device(bench);
    relays.clientID = bench.doc.clientID;
    expectRefused(bench.take(binh, change(relays, post(binh, newMessageId()))), 'forged-update');
  });

  test('[A7] a client id that somebody shows in their awareness is not there to be taken', () => {
    const bench = new Bench();
    const mine = device(bench);
    bench.claims.set(mine.clientID, an);
    const forger = device(bench);
    forger.clientID = mine.clientID;
    expectRefused(bench.take(binh, change(forger, post(binh, newMessageId()))), 'forged-update');
    expect(bench.take(an, change(mine, post(an, newMessageId())))).toMatchObject({
      is: 'accept',
      clients: [mine.clientID],
    });
  });
});

describe('shape', () => {
  test('[A8] nested types, subdocuments, formatting, bytes, lists and unknown roots are refused', () => {
    const bench = new Bench();
    const id = newMessageId();
    for (const write of [
      put('messages', id, new Y.Map()),
      put('messages', id, new Y.Text('x')),
      put('messages', id, new Y.Doc()),
      put('messages', id, new Uint8Array(3)),
      put('evil', 'x', 1),
      put('__proto__', 'x', 1),
      (doc: Y.Doc) => doc.getText('messages').insert(0, 'text'),
      (doc: Y.Doc) => doc.getText('messages').insert(0, 'bold', { bold: true }),
      (doc: Y.Doc) => doc.getArray('messages').insert(0, [say(an)]),
      (doc: Y.Doc) => doc.getXmlFragment('messages').insert(0, [new Y.XmlElement('p')]),
    ]) {
      expectRefused(bench.take(an, change(new Y.Doc(), write)), 'forged-update');
    }
    expect([...bench.doc.share.keys()].sort()).toEqual([...PAGE_ROOTS].sort());
  });

  test("[A8] a nested type's children are refused when the type itself is not there to see", () => {
    const bench = new Bench();
    const doc = new Y.Doc();
    const map = new Y.Map();
    doc.getMap('messages').set('x', map);
    const inner = change(doc, () => map.set('y', 1));
    expect(['refuse', 'missing']).toContain(bench.take(an, inner).is);
    expectRefused(bench.take(an, Y.encodeStateAsUpdate(doc)));
  });

  test('[A9] values satisfy their schemas and sizes', () => {
    const bench = new Bench();
    const id = newMessageId();
    const hostile: unknown[] = [
      null,
      'text',
      { ...say(an), text: 'x'.repeat(16_001) },
      { ...say(an), text: ' ' },
      { ...say(an), at: -1 },
      { ...say(an), at: Number.NaN },
      { ...say(an), extra: true },
      { ...say(an), mentions: ['nobody'] },
      { ...say(an), replyTo: 'x' },
      {
        ...say(an),
        attachments: [{ sha256: 'a'.repeat(64), name: 'a', type: 't', size: 1, more: 'y'.repeat(200_000) }],
      },
      { ...say(an), attachments: [{ sha256: 'a'.repeat(64), name: 'a', type: 't', size: 1, deep: [[[[[[[[]]]]]]]] }] },
      {
        ...say(an),
        attachments: [{ sha256: 'a'.repeat(64), name: 'a', type: 't', size: 1, bytes: new Uint8Array(3) }],
      },
      { ...say(an), attachments: [{ sha256: 'a'.repeat(64), name: 'a', type: 't', size: 1, nothing: undefined }] },
      { ...say(an), attachments: [{ sha256: 'a'.repeat(64), name: 'a', type: 't', size: 1, big: 10n }] },
      {
        ...say(an),
        attachments: Array.from({ length: 21 }, () => ({ sha256: 'a'.repeat(64), name: 'a', type: 't', size: 1 })),
      },
    ];
    for (const value of hostile) expectRefused(bench.take(an, change(new Y.Doc(), put('messages', id, value))));
    expectRefused(bench.take(an, change(new Y.Doc(), put('messages', 'not-an-id', say(an)))));
    expectRefused(bench.take(an, change(new Y.Doc(), put('reactions', `${id}:${an}:${'x'.repeat(33)}`, 1))));
    expectAccepted(bench.take(an, change(new Y.Doc(), put('messages', id, say(an, '\u0001'.repeat(16_000))))));
  });

  test('[A9] a prototype is no place for a value', () => {
    const bench = new Bench();
    const doc = new Y.Doc();
    const evil: object = JSON.parse(`{"by":"${an}","at":1,"text":"x","__proto__":{"editedAt":5}}`);
    expectRefused(bench.take(an, change(doc, put('messages', newMessageId(), evil))));
  });
});

describe('the root', () => {
  test('[A11] title, topic and picture by administrators; the rest by the relay alone', () => {
    const bench = new Bench('conversation');
    bench.write(put('meta', 'kind', 'group'));
    const doc = device(bench);
    expect(bench.take(admin, change(doc, put('meta', 'title', 'Nhóm')))).toMatchObject({
      is: 'accept',
      meta: new Map([['title', 'Nhóm']]),
    });
    expectAccepted(bench.take(admin, change(doc, put('meta', 'topic', ''))));
    expectAccepted(bench.take(admin, change(doc, put('meta', 'avatar', 'a'.repeat(64)))));
    expectAccepted(
      bench.take(
        admin,
        change(doc, (d) => d.getMap('meta').delete('title')),
      ),
    );
    expectRefused(bench.take(an, change(device(bench), put('meta', 'title', 'x'))), 'not-allowed');
    expectRefused(
      bench.take(
        an,
        change(device(bench), (d) => d.getMap('meta').delete('topic')),
      ),
      'not-allowed',
    );
    expectRefused(bench.take(admin, change(device(bench), put('meta', 'kind', 'direct'))), 'forged-update');
    expectRefused(
      bench.take(
        admin,
        change(device(bench), (d) => d.getMap('meta').delete('kind')),
      ),
      'forged-update',
    );
    expectRefused(bench.take(admin, change(device(bench), put('meta', 'createdBy', admin))), 'forged-update');
    expectRefused(bench.take(admin, change(device(bench), put('meta', 'title', 'x'.repeat(121)))), 'invalid-input');
  });

  test('[A11] two administrators rename at the same time', () => {
    const other = newUserId();
    for (let round = 0; round < 8; round++) {
      const bench = new Bench('conversation');
      bench.standings.set(other, { role: 'owner', kind: 'group' });
      const [a, b] = [device(bench), device(bench)];
      put('meta', 'title', 'A')(a);
      put('meta', 'title', 'B')(b);
      expectAccepted(push(bench, admin, a));
      pull(bench, b);
      expectAccepted(push(bench, other, b));
      pull(bench, a);
      expect(a.getMap('meta').toJSON()).toEqual(bench.doc.getMap('meta').toJSON());
    }
  });

  test('[A11] somebody demoted since may still answer a sync step with what was accepted before', () => {
    const bench = new Bench('conversation');
    const doc = device(bench);
    bench.take(admin, change(doc, put('meta', 'title', 'một')));
    bench.take(admin, change(doc, put('meta', 'title', 'hai')));
    bench.standings.set(admin, { role: 'member', kind: 'group' });
    expect(bench.take(admin, Y.encodeStateAsUpdate(doc))).toMatchObject({ is: 'accept', empty: true });
    expectRefused(bench.take(admin, change(doc, put('meta', 'title', 'ba'))), 'not-allowed');
  });

  test("[A11] pins by role, in one's own name", () => {
    const bench = new Bench('conversation');
    const id = newMessageId();
    expectRefused(bench.take(an, change(device(bench), put('pins', id, { by: an, at: 1 }))), 'not-allowed');
    expectRefused(bench.take(admin, change(device(bench), put('pins', id, { by: an, at: 1 }))), 'forged-update');
    expectAccepted(bench.take(admin, change(device(bench), put('pins', id, { by: admin, at: 1 }))));
    expectRefused(
      bench.take(
        an,
        change(device(bench), (doc) => doc.getMap('pins').delete(id)),
      ),
      'not-allowed',
    );
    expectAccepted(
      bench.take(
        admin,
        change(device(bench), (doc) => doc.getMap('pins').delete(id)),
      ),
    );
  });
});

describe('a personal document', () => {
  test('[A12] drafts, read marks and preferences, and nothing else', () => {
    const bench = new Bench('personal');
    const conversation = newConversationId();
    const doc = device(bench);
    for (let i = 0; i < 50; i++) put('drafts', conversation, { text: 'x'.repeat(i), at: i })(doc);
    doc.getMap('drafts').delete(conversation);
    put('read', conversation, 5)(doc);
    put('prefs', conversation, { muted: 9, pinned: true })(doc);
    expect(push(bench, an, doc)).toMatchObject({ is: 'accept', read: new Map([[conversation, 5]]) });
    expectRefused(bench.take(an, change(doc, put('read', conversation, -1))), 'invalid-input');
    expectRefused(bench.take(an, change(device(bench), put('read', 'x', 1))), 'forged-update');
    expectRefused(bench.take(an, change(device(bench), put('messages', newMessageId(), say(an)))), 'forged-update');
  });
});

describe('hostile bytes', () => {
  const rich = (): { bench: Bench; honest: Uint8Array[] } => {
    const bench = new Bench();
    const doc = device(bench);
    const honest: Uint8Array[] = [];
    for (let i = 0; i < 6; i++) {
      const id = newMessageId();
      honest.push(change(doc, post(an, id)));
      honest.push(change(doc, post(an, id, 'sửa')));
      if (i % 2 === 0) honest.push(change(doc, bury(an, id)));
      honest.push(change(doc, put('reactions', reactionKey({ message: id, user: an, emoji: '👍' }), i)));
    }
    honest.push(Y.encodeStateAsUpdate(doc));
    return { bench, honest };
  };

  test('[S2] [A14] no byte string makes it throw, or changes anything', () => {
    const bench = new Bench();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const verdict = bench.judge(an, bytes);
        expect(['accept', 'refuse', 'missing']).toContain(verdict.is);
        if (verdict.is === 'accept') expect(verdict.empty).toBe(true);
      }),
      { numRuns: 3_000, seed: 1 },
    );
  });

  test('[A2] [A13] mutated updates by a stranger never change what is not theirs, nor break the document', () => {
    const { bench: first, honest } = rich();
    first.take(an, honest.at(-1) ?? new Uint8Array());
    const start = Y.encodeStateAsUpdate(first.doc);
    const roots = ['messages', 'deleted', 'reactions', 'votes'];
    const before = contentOf(first.doc, roots) as Record<string, Record<string, unknown>>;
    const restore = (): Bench => {
      const bench = new Bench();
      Y.applyUpdate(bench.doc, start);
      for (const [client, owner] of first.clients) bench.clients.set(client, owner);
      return bench;
    };
    let bench = restore();
    let accepted = 0;
    const mutations = fc.record({
      base: fc.integer({ min: 0, max: honest.length - 1 }),
      edits: fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { minLength: 0, maxLength: 4 }),
      fresh: fc.boolean(),
    });
    fc.assert(
      fc.property(mutations, ({ base, edits, fresh }) => {
        const update = fresh
          ? change(device(bench), post(binh, newMessageId()))
          : (honest[base] ?? new Uint8Array()).slice();
        for (const [at, value] of edits) update[at % update.length] = value;
        const verdict = bench.judge(binh, update);
        if (verdict.is !== 'accept' || verdict.empty) return;
        accepted += 1;
        bench.take(binh, update);
        const after = contentOf(bench.doc, roots) as typeof before;
        for (const root of roots) expect(after[root]).toMatchObject(before[root] ?? {});
        bench = restore();
      }),
      { numRuns: 5_000, seed: 2 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('[A7] [A10] repeated structs with false claims are not looked at', () => {
    const { bench, honest } = rich();
    const all = honest.at(-1) ?? new Uint8Array();
    bench.take(an, all);
    const size = bench.doc.share.size;
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { minLength: 1, maxLength: 3 }), (edits) => {
        const update = all.slice();
        for (const [at, value] of edits) update[at % update.length] = value;
        bench.take(an, update);
        expect(bench.doc.share.size).toBe(size);
      }),
      { numRuns: 2_000, seed: 3 },
    );
  });

  test('[A10] items that build on each other in a circle are refused or missing, at once', () => {
    const bench = new Bench();
    // Two clients, each item naming the other as its origin: 2 clients · 1 struct · info 0x88 = ContentAny with an origin.
    const item = (client: number, origin: number): number[] => [1, client, 0, 0x88, origin, 0, 1, 126];
    const circle = new Uint8Array([2, ...item(5, 4), ...item(4, 5), 0]);
    expectRefused(bench.judge(an, circle));
    const self = new Uint8Array([1, ...item(5, 5), 0]);
    expectRefused(bench.judge(an, self));
  });

  test('[A13] a deletion of nothing is refused: Yjs would break over it', () => {
    const bench = new Bench();
    // No structs; 1 client · 1 range · from 3, of length 0.
    expectRefused(bench.judge(an, new Uint8Array([0, 1, 5, 1, 3, 0])), 'malformed-frame');
  });

  test('[A10] a long chain across clients takes no stack, and ends', () => {
    const bench = new Bench();
    const count = 20_000;
    const varUint = (n: number): number[] =>
      n < 128 ? [n] : n < 16_384 ? [128 | (n & 127), n >> 7] : [128 | (n & 127), 128 | ((n >> 7) & 127), n >> 14];
    const bytes: number[] = [...varUint(count)];
    for (let client = count; client > 0; client--)
      bytes.push(1, ...varUint(client), 0, 0x88, ...varUint(client - 1), 0, 1, 126);
    bytes.push(0);
    expect(['refuse', 'missing']).toContain(bench.judge(an, new Uint8Array(bytes)).is);
  });
});
