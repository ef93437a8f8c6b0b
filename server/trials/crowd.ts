/**
 * Load: three people with four devices in two groups, who write, edit, delete, react, read and reload, while programs post over HTTP and rename, and
 * change who is what. All of it at random moments, until told to stop; then everybody comes back and all has to settle.
 */
import type { ConversationId, MessageId, UserId } from '#shared/ids.ts';
import { newMessageId } from '#shared/ids.ts';
import { CONVERSATION_ROOTS } from '#shared/model/conversation.ts';
import { parseDocName, personalDoc } from '#shared/model/doc-names.ts';
import { messagesOf, PAGE_ROOTS, reactionKey, reactionsOf } from '#shared/model/page.ts';
import { draftsOf, PERSONAL_ROOTS, readOf } from '#shared/model/personal.ts';
import { isDeepStrictEqual } from 'node:util';
import type * as Y from 'yjs';
import { Actor } from '../test-actor.ts';
import { Device } from './device.ts';
import { Ledger } from './ledger.ts';
import { type Dice, pause, until } from './trial.ts';

const ROOTS = { conversation: CONVERSATION_ROOTS, page: PAGE_ROOTS, personal: PERSONAL_ROOTS };
/** Yjs's providers each listen for the end of a process in Node; a crowd has that many. */
const PROVIDERS_MAX_COUNT = 1_000;
/** Between two things that one device does, at most. */
const LEISURE_MILLIS = 25;
const SETTLE_MILLIS = 15_000;

interface ApiPost {
  actor: Actor;
  conversation: ConversationId;
  id: MessageId;
}

export class Crowd {
  readonly ledger = new Ledger();
  readonly devices: Device[];
  readonly #people: [Actor, Actor, Actor];
  readonly groups: readonly ConversationId[];
  readonly #dice: Dice;
  /** Posts over HTTP whose answer was lost: asked again until there is one. */
  #unanswered: ApiPost[] = [];
  #busy = false;
  #work: Promise<unknown> = Promise.resolve();
  #actions = 0;

  private constructor(people: [Actor, Actor, Actor], groups: ConversationId[], dice: Dice, url: string) {
    const [an, binh, chi] = people;
    this.#people = people;
    this.groups = groups;
    this.#dice = dice;
    const { ledger } = this;
    this.devices = [an, an, binh, chi].map(
      ({ id, cookie, name }, i) => new Device({ name: `${name}'s device ${i}`, person: id, cookie, url, ledger }),
    );
    for (const device of this.devices) for (const group of groups) device.join(group);
  }

  /** `url` is the relay's, or that of what stands before it. */
  static async gather(url: string, dice: Dice): Promise<Crowd> {
    process.setMaxListeners(PROVIDERS_MAX_COUNT);
    const people = [
      await Actor.signUp(url, 'An'),
      await Actor.signUp(url, 'Bình'),
      await Actor.signUp(url, 'Chi'),
    ] as const;
    const [an, binh, chi] = people;
    const groups = [await an.group('Nhà', binh, chi), await binh.group('Lớp', an, chi)];
    return new Crowd([an, binh, chi], groups, dice, url);
  }

  /** More people in the first group, who do nothing. */
  async invite(people: readonly UserId[]): Promise<void> {
    const [an] = this.#people;
    for (const id of people)
      await an.ask('PUT', `/api/conversations/${this.groups[0]}/members/${id}`, { role: 'member' });
  }

  /** So many messages that stood in a group before: pages fill up sooner. */
  async fill(messages: number): Promise<void> {
    const [device] = this.devices;
    const [group] = this.groups;
    if (device === undefined || group === undefined) return;
    for (let i = 0; i < messages; i++) device.post(group, `cũ ${i}`);
    await this.settle();
  }

  get counts(): Record<string, number> {
    return { actions: this.#actions, written: this.ledger.written.size, seen: this.ledger.seenCount };
  }

  start(): void {
    this.#busy = true;
    this.#work = Promise.all([...this.devices.map((device) => this.#live(device)), this.#useApi()]);
  }

  async stop(): Promise<void> {
    this.#busy = false;
    await this.#work;
  }

  goOffline(): void {
    for (const device of this.devices) device.goOffline();
  }

  goOnline(): void {
    for (const device of this.devices) device.goOnline();
  }

  hurry(): void {
    for (const device of this.devices) device.hurry();
  }

  leave(): void {
    for (const device of this.devices) device.stop();
  }

  /** Everybody is back, and all that was written is acknowledged and the same everywhere. Faults when it does not come to that. */
  async settle(): Promise<void> {
    this.goOnline();
    const hurrying = setInterval(() => this.hurry(), 200);
    try {
      await until(
        () => this.#askAgain(),
        () => `${this.#unanswered.length} posts over HTTP are not answered`,
        SETTLE_MILLIS,
      );
      await until(
        () => this.devices.every((device) => device.isSettled) && this.ledger.missing().length === 0,
        () => `${this.ledger.missing().length} messages have no number; ${this.#unsettled().join(', ')}`,
        SETTLE_MILLIS,
      );
      await until(
        () => this.#differences().length === 0,
        () => `devices differ in ${this.#differences().join(', ')}`,
        SETTLE_MILLIS,
      );
    } catch (error) {
      this.ledger.faults.push(error instanceof Error ? error.message : String(error));
    } finally {
      clearInterval(hurrying);
    }
  }

  #unsettled(): string[] {
    return this.devices.flatMap((device) =>
      [...device.kept].flatMap(([name, { sync }]) =>
        sync.isSynced && !sync.isUnsettled
          ? []
          : [`${device.name} (${device.isOnline ? 'on' : 'off'}line) waits for ${name}`],
      ),
    );
  }

  #differences(): string[] {
    const names = new Set(this.devices.flatMap((device) => [...device.kept.keys()]));
    return [...names].filter((name) => {
      const [first, ...others] = this.devices.flatMap(({ kept }) => {
        const here = kept.get(name);
        return here === undefined ? [] : [contentOf(name, here.doc)];
      });
      return others.some((other) => !isDeepStrictEqual(other, first));
    });
  }

  async #live(device: Device): Promise<void> {
    while (this.#busy) {
      this.#act(device);
      this.#actions += 1;
      await pause(this.#dice.below(LEISURE_MILLIS));
    }
  }

  #act(device: Device): void {
    const dice = this.#dice;
    const group = dice.pick(this.groups);
    const what = dice.below(100);
    const own = device.own(group, dice.below(1_000));
    if (what < 55 || own === null) return void device.post(group, `${device.name} ${dice.below(1_000)}`);
    if (what < 68) return device.edit(own.doc, own.id, `sửa ${dice.below(1_000)}`);
    if (what < 75) return device.remove(own.doc, own.id);
    if (what < 90) return this.#react(device, own.doc);
    const mine = device.open(personalDoc(device.person));
    if (what < 94) return void readOf(mine).set(group, dice.below(50));
    if (what < 98) return void draftsOf(mine).set(group, { text: `nháp ${dice.below(1_000)}`, at: Date.now() });
    return device.reload();
  }

  #react(device: Device, page: Y.Doc): void {
    const messages = [...messagesOf(page).keys()] as MessageId[];
    const key = reactionKey({
      message: this.#dice.pick(messages),
      user: device.person,
      emoji: this.#dice.pick(['👍', '🎉']),
    });
    if (reactionsOf(page).has(key)) reactionsOf(page).delete(key);
    else reactionsOf(page).set(key, Date.now());
  }

  async #useApi(): Promise<void> {
    const [an, , chi] = this.#people;
    const [group] = this.groups;
    while (this.#busy) {
      const dice = this.#dice;
      await pause(dice.below(4 * LEISURE_MILLIS));
      const what = dice.below(100);
      if (what < 70) {
        const post = { actor: dice.pick(this.#people), conversation: dice.pick(this.groups), id: newMessageId() };
        this.ledger.wrote(post.conversation, post.id);
        this.#unanswered.push(post);
        await this.#ask(post);
      } else {
        const role = dice.pick(['admin', 'member']);
        // Whether it comes to that is what the tables say afterwards; the documents have to say the same.
        await (
          what < 85
            ? an.ask('PUT', `/api/conversations/${group}/members/${chi.id}`, { role })
            : what < 95
              ? an.ask('PATCH', `/api/conversations/${group}`, { title: `Nhà ${dice.below(1_000)}` })
              : chi.ask('PATCH', '/api/me', { name: `Chi ${dice.below(1_000)}` })
        ).catch(() => undefined);
      }
    }
  }

  async #askAgain(): Promise<boolean> {
    for (const post of [...this.#unanswered]) await this.#ask(post);
    return this.#unanswered.length === 0;
  }

  async #ask(post: ApiPost): Promise<void> {
    const { actor, conversation, id } = post;
    const asked = await actor
      .ask('POST', `/api/conversations/${conversation}/messages`, { id, text: `qua API ${id}` })
      .catch(() => null);
    // No answer, or "try again": it may have been written, or not.
    if (asked === null || asked.status >= 500) return;
    this.#unanswered = this.#unanswered.filter((each) => each !== post);
    if (asked.status === 201) this.ledger.saw(conversation, id, Number(asked.body['seq']));
    else this.ledger.faults.push(`a post over HTTP was answered ${asked.status} ${JSON.stringify(asked.body)}`);
  }
}

function contentOf(name: string, doc: Y.Doc): unknown {
  const kind = parseDocName(name)?.kind;
  if (kind === undefined) return null;
  return ROOTS[kind].map((root) => (root === 'order' ? doc.getArray(root).toJSON() : doc.getMap(root).toJSON()));
}
