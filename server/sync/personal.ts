/**
 * One person's own document, on all of their devices: drafts, read marks, preferences. Read marks that arrive are announced. Of two that were set
 * without knowing of each other, Yjs keeps either; the relay sees to it that the further one stays (U3).
 */
import type { ConversationId, UserId } from '#shared/ids.ts';
import { personalDoc } from '#shared/model/doc-names.ts';
import { readOf } from '#shared/model/personal.ts';
import { authorize } from './authorize.ts';
import { Lane, NOTHING_EXTRA, type LaneParts, type Outcome } from './lane.ts';
import { Room, type Peer } from './room.ts';

export class PersonalLane extends Lane {
  readonly #person: UserId;
  readonly room: Room;

  private constructor(person: UserId, room: Room, parts: LaneParts) {
    super(room.name, parts);
    this.#person = person;
    this.room = room;
    this.rooms.set(room.name, room);
  }

  static async load(person: UserId, parts: LaneParts): Promise<PersonalLane> {
    const name = personalDoc(person);
    const stored = await parts.disk.document(name);
    return new PersonalLane(person, new Room(name, { kind: 'personal', user: person }, stored), parts);
  }

  receive(room: Room, peer: Peer, update: Uint8Array): Outcome {
    const verdict = authorize(update, {
      doc: room.doc,
      kind: 'personal',
      person: peer.person,
      standing: null,
      ownerOfClient: (client) => room.ownerOfClient(client),
      claimant: (client) => room.awareness.claimant(client),
      authorOf: () => null,
      isTrace: () => false,
    });
    if (peer.person !== this.#person) return { is: 'refused', fault: 'not-allowed', why: "another person's document" };
    switch (verdict.is) {
      case 'refuse':
        return { is: 'refused', fault: verdict.fault, why: verdict.why };
      case 'missing':
      case 'lookup':
        return { is: 'missing' };
      case 'accept': {
        if (verdict.empty) return { is: 'accepted' };
        const read = readOf(room.doc);
        const furthest = new Map([...verdict.read].map(([id, seq]) => [id, Math.max(seq, read.get(id) ?? 0)]));
        if (!this.apply(room, update, verdict.repeats, peer))
          return { is: 'refused', fault: 'not-ready', why: 'document rebuilt' };
        // In a transaction of its own: in the update's, Yjs would take a new client id for the relay.
        room.doc.transact(() => {
          for (const [id, seq] of furthest) if ((read.get(id) ?? 0) < seq) read.set(id, seq);
        });
        const introduced = verdict.clients.map((client) => ({ room, client, person: peer.person }));
        this.#announce(this.commit([room], introduced, NOTHING_EXTRA), [...furthest.keys()]);
        return { is: 'accepted' };
      }
    }
  }

  /** Moves a read mark on; never back. */
  async setRead(conversation: ConversationId, seq: number): Promise<void> {
    const read = readOf(this.room.doc);
    if ((read.get(conversation) ?? 0) >= seq) return;
    read.set(conversation, seq);
    const done = this.commit([this.room], [], NOTHING_EXTRA);
    this.#announce(done, [conversation]);
    await done;
  }

  #announce(done: Promise<void>, conversations: ConversationId[]): void {
    const read = readOf(this.room.doc);
    const marks = conversations.flatMap((conversation) => {
      const seq = read.get(conversation);
      return seq === undefined ? [] : [{ person: this.#person, conversation, seq }];
    });
    done.then(
      () => marks.forEach((mark) => this.parts.events.read(mark)),
      () => undefined,
    );
  }
}
