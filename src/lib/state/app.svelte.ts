/**
 * The app of one person on this device: what the screen reads and asks. `startApp` answers as soon as the disk was read; whether there is a
 * network shows in `connection`, and nothing waits for it.
 */
/* eslint-disable svelte/prefer-svelte-reactivity -- plain maps on purpose: a Beat says when they changed */
import * as v from 'valibot';
import { folded } from '#shared/folded.ts';
import { type ConversationId, newConversationId, type UserId } from '#shared/ids.ts';
import { PEOPLE_FOUND_MAX_COUNT } from '#shared/limits.ts';
import { Title } from '#shared/model/conversation.ts';
import { About, type Me, Name, type SessionInfo } from '#shared/protocol/api.ts';
import type { Person } from '#shared/protocol/overview.ts';
import { forgetPerson } from '../local/forget.ts';
import { Heard } from '../local/heard.ts';
import { storageUse } from '../local/quota.ts';
import { writeSignedIn } from '../local/store.ts';
import type { CallHistoryView } from './call-views.ts';
import { Calls } from './calls.svelte.ts';
import { chosenPicture } from './chosen-picture.ts';
import { Connection } from './connection.svelte.ts';
import { Conversation } from './conversation.svelte.ts';
import { Device, type DeviceWorld } from './device.svelte.ts';
import { Rows } from './rows.svelte.ts';
import type {
  AppView,
  BlobsView,
  ConversationRowView,
  HeardView,
  Notice,
  PeopleFound,
  PlayerView,
  Refusal,
} from './views.ts';

/** Whether a failed try to connect is a refused session is asked now and then, not each time. */
const CHECK_SESSION_EVERY_FAILURES = 4;

export async function startApp(me: Me, world: Partial<DeviceWorld> = {}): Promise<App> {
  const app = new App(me, await Device.open(me, world));
  app.start();
  return app;
}

export class App implements AppView {
  readonly #device: Device;
  readonly #rows: Rows;
  readonly connection: Connection;
  readonly calls: Calls;
  #me = $state.raw<Me>() as Me;
  /** By what was chosen here, or what any of their devices has told the relay. */
  readonly #picture = $derived.by(() => {
    const chosen = chosenPicture(this.#device.requests, null);
    if (chosen !== undefined) return chosen;
    const known = this.#device.table('people').get(this.#me.id);
    return known === undefined ? this.#me.avatar : known.avatar;
  });
  readonly #seenMe = $derived<Me>({ ...this.#me, avatar: this.#picture });
  #signedOut = $state(false);
  #player = $state.raw<PlayerView | null>(null);
  #stopped = false;

  constructor(me: Me, device: Device) {
    this.#me = me;
    this.#device = device;
    this.#rows = new Rows(device, () => this.me);
    this.connection = new Connection(device);
    this.calls = new Calls(
      device,
      (id) => this.#row(id),
      () => this.#player?.pause(),
    );
  }

  start(): void {
    const { link, kept } = this.#device;
    link.on('signedOut', () => (this.#signedOut = true));
    link.on('failed', (inARow) => inARow % CHECK_SESSION_EVERY_FAILURES === 1 && void this.checkSession());
    // Signed out in another tab: everything here is being deleted.
    kept.on('forgotten', () => {
      this.#signedOut = true;
      this.stop();
    });
    this.calls.listen();
    this.#device.start();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.connection.stop();
    this.calls.stop();
    this.#player?.stop();
    this.#device.stop();
  }

  /** Asks the relay whether the session still holds. Without a network it does. */
  async checkSession(): Promise<void> {
    const asked = await this.#device.ask('session');
    if (this.#stopped) return;
    if (asked.ok && asked.answer.user.id === this.#me.id) {
      this.#device.meet([asked.answer.user]);
      return this.#becameMe(asked.answer.user);
    }
    if (!asked.ok && asked.refusal.code !== 'signed-out') return;
    this.#signedOut = true;
    this.#device.link.pause();
  }

  get me(): Me {
    return this.#seenMe;
  }

  #row(id: ConversationId): ConversationRowView | undefined {
    return this.#rows.all.find((row) => row.id === id);
  }

  async callHistory(): Promise<CallHistoryView> {
    const { CallHistory } = await import('./call-history.svelte.ts');
    return new CallHistory(this.#device, (id) => this.#row(id));
  }

  blobs(): Promise<BlobsView> {
    return this.#device.blobs();
  }

  get player(): PlayerView | null {
    return this.#player;
  }

  playWith(make: (heard: HeardView) => PlayerView): PlayerView {
    return (this.#player ??= make(new Heard(this.#device.kept)));
  }

  get rows(): readonly ConversationRowView[] {
    return this.#rows.all;
  }

  get totalUnread(): number {
    return this.#rows.totalUnread;
  }

  get totalMentions(): number {
    return this.#rows.totalMentions;
  }

  get firstLoad(): boolean {
    return !this.#device.hasList && this.#device.requests.length === 0;
  }

  get notices(): readonly Notice[] {
    return this.#device.notices;
  }

  dismiss(key: string): void {
    this.#device.dismiss(key);
  }

  get signedOut(): boolean {
    return this.#signedOut;
  }

  open(id: ConversationId): Conversation {
    return new Conversation(this.#device, () => this.me, id);
  }

  async startDirect(person: Person): Promise<ConversationId> {
    return await this.#createDirect(person.id, [person]);
  }

  startGroup(title: string, people: readonly Person[]): ConversationId {
    const parsed = v.safeParse(Title, title);
    const named = parsed.success
      ? parsed.output
      : people
          .map(({ name }) => name)
          .join(', ')
          .slice(0, 120) || this.#me.name;
    return this.#create({ kind: 'group', id: newConversationId(), title: named, people });
  }

  async startNotes(): Promise<ConversationId> {
    return await this.#createDirect(this.#me.id, []);
  }

  async searchPeople(query: string): Promise<PeopleFound> {
    const wanted = folded(query.trim());
    const fits = ({ name }: Person) => folded(name).includes(wanted);
    const here = [...this.#device.kept.table('people').values()].filter(fits);
    const asked = this.#device.link.isOpen
      ? await this.#device.ask('searchPeople', { query: { q: query.trim() } })
      : null;
    const there = asked?.ok ? asked.answer.users : [];
    this.#device.meet(there);
    const found = new Map([...here, ...there].map((person) => [person.id, person]));
    found.delete(this.#me.id);
    const close = this.#sharesWith();
    const people = [...found.values()].sort(
      (a, b) => Number(close.has(b.id)) - Number(close.has(a.id)) || a.name.localeCompare(b.name),
    );
    return {
      people: people.slice(0, PEOPLE_FOUND_MAX_COUNT),
      complete: asked?.ok ?? false,
      more: people.length > PEOPLE_FOUND_MAX_COUNT || there.length >= PEOPLE_FOUND_MAX_COUNT,
    };
  }

  async person(id: UserId): Promise<{ name: string; about: string } | null> {
    const asked = await this.#device.ask('getPerson', { params: { id } });
    const key = `person:${id}`;
    if (asked.ok) {
      const { name, about } = asked.answer.user;
      this.#device.meet([asked.answer.user]);
      this.#device.kept.put('kv', key, { name, about });
      return { name, about };
    }
    const kept = this.#device.kept.table('kv').get(key) as { name: string; about: string } | undefined;
    const known = this.#device.kept.table('people').get(id);
    return kept ?? (known ? { name: known.name, about: '' } : null);
  }

  pin(id: ConversationId, pinned: boolean): void {
    this.#device.setPreference(id, { pinned });
  }

  async updateProfile(change: { name?: string; about?: string }): Promise<Refusal | null> {
    const name = v.safeParse(v.optional(Name), change.name);
    const about = v.safeParse(v.optional(About), change.about);
    if (!name.success) return { code: 'invalid-input', fields: { name: name.issues[0].message } };
    if (!about.success) return { code: 'invalid-input', fields: { about: about.issues[0].message } };
    const before = this.#me;
    const wanted = {
      ...(name.output !== undefined && { name: name.output }),
      ...(about.output !== undefined && { about: about.output }),
    };
    this.#becameMe({ ...before, ...wanted });
    const refusal = await this.#device.request({ is: 'profile', change: wanted });
    if (refusal !== null) this.#becameMe(before);
    return refusal;
  }

  setPicture(picture: Blob | null): Promise<Refusal | null> {
    return this.#device.setPicture(null, picture);
  }

  async changePassword(current: string, next: string): Promise<Refusal | null> {
    const asked = await this.#device.ask('changePassword', { body: { current, next } });
    return asked.ok ? null : asked.refusal;
  }

  async sessions(): Promise<SessionInfo[] | Refusal> {
    const asked = await this.#device.ask('listSessions');
    return asked.ok ? asked.answer.sessions : asked.refusal;
  }

  async endSession(id: string): Promise<Refusal | null> {
    const asked = await this.#device.ask('endSession', { params: { id } });
    return asked.ok ? null : asked.refusal;
  }

  get unsent(): number {
    const waiting = [...this.#device.table('waiting').values()];
    const conversations = new Set(waiting.map(({ conversation }) => `c:${conversation}`));
    const edited = new Set(
      [...this.#device.table('dirty').values()].flatMap(({ doc }) => {
        const root = doc.split(':').slice(0, 2).join(':');
        return doc.startsWith('c:') && !conversations.has(root) ? [root] : [];
      }),
    );
    return waiting.length + this.#device.table('outbox').size + edited.size;
  }

  async signOut(): Promise<void> {
    const asked = await this.#device.ask('logout');
    const { kept } = this.#device;
    const documents = [
      `u:${this.#me.id}`,
      ...[...kept.table('overview').keys()].flatMap((id) => [`c:${id}`, `c:${id}:0`]),
      ...[...kept.table('dirty').values()].map(({ doc }) => doc),
    ];
    kept.tellForgotten();
    this.stop();
    await writeSignedIn(null, { logoutOwed: !asked.ok && asked.refusal.code === 'offline' });
    await forgetPerson(this.#me.id, documents);
    this.#signedOut = true;
  }

  async storage(): Promise<{ bytes: number; persisted: boolean }> {
    return await storageUse();
  }

  /** Who is in a conversation with this person, as far as the list names them. */
  #sharesWith(): ReadonlySet<UserId> {
    const rows = [...this.#device.kept.table('overview').values()];
    return new Set(rows.flatMap(({ members }) => members.map(({ id }) => id)));
  }

  /** Its id is a hash, and to make one takes a library that nothing else needs. */
  async #createDirect(other: UserId, people: readonly Person[]): Promise<ConversationId> {
    const { directConversationId } = await import('#shared/direct-id.ts');
    return this.#create({ kind: 'direct', id: directConversationId(this.#me.id, other), title: null, people });
  }

  #create(wanted: {
    id: ConversationId;
    kind: 'direct' | 'group';
    title: string | null;
    people: readonly Person[];
  }): ConversationId {
    const { id, kind, title } = wanted;
    const people = wanted.people.map((person) => ({ id: person.id, name: person.name, avatar: person.avatar }));
    this.#device.meet(people);
    const { kept, outbox } = this.#device;
    const asked = [...kept.table('outbox').values()].some((one) => one.is === 'create' && one.conversation === id);
    if (!asked && !kept.table('overview').has(id))
      outbox.add({ is: 'create', conversation: id, kind, title, people, at: Date.now() });
    return id;
  }

  #becameMe(me: Me): void {
    if (JSON.stringify(me) === JSON.stringify(this.#me)) return;
    const waits = [...this.#device.kept.table('outbox').values()].some((one) => one.is === 'profile');
    // What the relay says of the profile is older than what waits to be said to it.
    this.#me = waits ? { ...me, name: this.#me.name, about: this.#me.about } : me;
    void writeSignedIn(this.#me);
  }
}
