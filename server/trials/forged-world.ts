/** A document with a past, in miniature: several people's messages, edits, deletions and reactions, the relay's stamps, and whose all of it is. */
import * as Y from 'yjs';
import { newConversationId, newMessageId, newUserId, type MessageId, type UserId } from '#shared/ids.ts';
import { deletedOf, messagesOf, orderOf, reactionKey } from '#shared/model/page.ts';
import type { DocName } from '#shared/model/doc-names.ts';
import { authorize, type Scene, type Verdict } from '../sync/authorize.ts';
import { wrongsOf } from './oracle.ts';
import type { Dice } from './trial.ts';

const MESSAGES_EACH = 4;

export class ForgedWorld {
  readonly kind: DocName['kind'];
  readonly isDirect: boolean;
  readonly admin = newUserId();
  readonly an = newUserId();
  readonly binh = newUserId();
  readonly conversation = newConversationId();
  readonly clients = new Map<number, UserId | null>();
  /** Shown by somebody as their own, and not used yet. */
  readonly claims = new Map<number, UserId>();
  readonly authors = new Map<MessageId, UserId>();
  doc = new Y.Doc();

  constructor(kind: DocName['kind'], dice: Dice) {
    this.kind = kind;
    this.isDirect = kind !== 'personal' && dice.chance(20);
    this.clients.set(this.doc.clientID, null);
    if (kind === 'page') this.#page(dice);
    else if (kind === 'conversation') this.#root();
    else this.#personal();
    for (const person of [this.an, this.binh]) this.claims.set(new Y.Doc().clientID, person);
    // On another page.
    for (const person of [this.an, this.binh]) this.authors.set(newMessageId(), person);
  }

  get people(): readonly UserId[] {
    return this.kind === 'personal' ? [this.an] : [this.an, this.binh, this.admin];
  }

  judge(person: UserId, update: Uint8Array): Verdict {
    const role = person === this.admin ? 'admin' : 'member';
    const scene: Scene = {
      doc: this.doc,
      kind: this.kind,
      person,
      standing: this.kind === 'personal' ? null : { role, kind: this.isDirect ? 'direct' : 'group' },
      ownerOfClient: (client) => this.clients.get(client),
      claimant: (client) => this.claims.get(client),
      authorOf: (id) => this.authors.get(id) ?? null,
      isTrace: () => false,
    };
    return authorize(update, scene);
  }

  /** What comes of an update that was let through, as the room would apply it, and what is wrong with that. */
  applied(person: UserId, update: Uint8Array, repeats: boolean): { doc: Y.Doc; wrongs: string[] } {
    const doc = this.copy();
    try {
      Y.applyUpdate(doc, repeats ? Y.diffUpdate(update, Y.encodeStateVector(doc)) : update);
    } catch (error) {
      return { doc, wrongs: [`it cannot be applied: ${String(error)}`] };
    }
    const wrongs = wrongsOf(this.doc, doc, {
      person,
      kind: this.kind,
      isAdmin: person === this.admin,
      isDirect: this.isDirect,
      authors: this.authors,
      clients: new Map([...this.claims, ...this.clients]),
    });
    return { doc, wrongs };
  }

  /** Goes on from there. */
  adopt(person: UserId, doc: Y.Doc, clients: readonly number[]): void {
    doc.clientID = this.doc.clientID;
    for (const client of clients) this.clients.set(client, person);
    if (this.kind === 'page')
      for (const id of messagesOf(doc)._map.keys())
        if (!this.authors.has(id as MessageId)) this.authors.set(id as MessageId, person);
    this.doc = doc;
  }

  copy(gc = true): Y.Doc {
    const doc = new Y.Doc({ gc });
    for (const [name, type] of this.doc.share) {
      if (type instanceof Y.Array) doc.getArray(name);
      else doc.getMap(name);
    }
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(this.doc), 'world');
    return doc;
  }

  #page(dice: Dice): void {
    for (const root of ['messages', 'deleted', 'reactions', 'votes']) this.doc.getMap(root);
    const order = orderOf(this.doc);
    for (const person of this.people) {
      this.#as(person, (doc) => {
        for (let i = 0; i < MESSAGES_EACH; i++) {
          const id = newMessageId();
          this.authors.set(id, person);
          messagesOf(doc).set(id, { by: person, at: i, text: `chào ${i}` });
          if (i === 1) messagesOf(doc).set(id, { by: person, at: i, text: 'sửa', editedAt: 2 });
          if (i === 2) {
            messagesOf(doc).delete(id);
            deletedOf(doc).set(id, { by: person, at: 3 });
          }
          doc.getMap('reactions').set(reactionKey({ message: id, user: person, emoji: '👍' }), 1);
        }
      });
      const written = newMessageId();
      this.authors.set(written, person);
      messagesOf(this.doc).set(written, { by: person, at: 1, text: 'qua API' });
    }
    for (const id of this.authors.keys()) order.insert(order.length, [[order.length + 1, id, dice.below(1_000)]]);
  }

  #root(): void {
    this.doc.getMap('pages').set('current', 0);
    this.doc.getMap('meta').set('kind', this.isDirect ? 'direct' : 'group');
    this.doc.getMap('meta').set('createdBy', this.admin);
    for (const person of this.people)
      this.doc
        .getMap('members')
        .set(person, { role: person === this.admin ? 'admin' : 'member', name: 'X', joinedAt: 1 });
    this.#as(this.admin, (doc) => {
      doc.getMap('meta').set('title', 'Nhà');
      doc.getMap('pins').set(newMessageId(), { by: this.admin, at: 1 });
    });
  }

  #personal(): void {
    for (const root of ['drafts', 'read', 'prefs']) this.doc.getMap(root);
    this.#as(this.an, (doc) => {
      doc.getMap('drafts').set(this.conversation, { text: 'nháp', at: 1 });
      doc.getMap('read').set(this.conversation, 3);
    });
  }

  #as(person: UserId, write: (doc: Y.Doc) => void): void {
    const doc = this.copy();
    this.clients.set(doc.clientID, person);
    doc.transact(() => write(doc));
    Y.applyUpdate(this.doc, Y.encodeStateAsUpdate(doc));
  }
}
