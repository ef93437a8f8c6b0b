/** One open conversation: who is in it, its timeline, its composer, and what one may do. Lives from `open` to `close`. */
/* eslint-disable svelte/prefer-svelte-reactivity -- plain maps on purpose: a Beat says when they changed */
import { untrack } from 'svelte';
import * as v from 'valibot';
import type * as Y from 'yjs';
import { type Action, type ConversationKind, type History, may, outranks, type Role } from '#shared/access.ts';
import { type ConversationId, type MessageId, newMessageId, type Sha256, type UserId } from '#shared/ids.ts';
import { EMOJI_MAX_CHARS, SMALL_GROUP_MAX_MEMBERS } from '#shared/limits.ts';
import { membersOf, META_FIELDS, metaOf, Title } from '#shared/model/conversation.ts';
import { conversationDoc } from '#shared/model/doc-names.ts';
import { type Attachment, Message } from '#shared/model/message.ts';
import { deletedOf, messagesOf, reactionKey, reactionsOf } from '#shared/model/page.ts';
import type { OverviewMember, Person, Reach } from '#shared/protocol/overview.ts';
import type { Held } from '../local/documents.ts';
import { mustQueue, queuedRow, TRAY } from '../local/queue.ts';
import type { Chosen, OutboxRequest, QueuedMessage, Upload } from '../local/tables.ts';
import { Beat } from './beat.svelte.ts';
import { chosenPicture } from './chosen-picture.ts';
import { Composer } from './composer.svelte.ts';
import type { Device } from './device.svelte.ts';
import { mentionsIn } from './mentions.ts';
import { membersWithOutbox, namesOf, otherMember } from './rows.ts';
import { ConversationTimeline } from './timeline.svelte.ts';
import type { Tray } from './tray.svelte.ts';
import { Typist } from './typist.ts';
import type {
  ComposerMode,
  ConversationView,
  MemberView,
  ReceiptsView,
  Recording,
  Refusal,
  TrayItemView,
} from './views.ts';
import { chosenVoice } from './voice.ts';

type Creation = Extract<OutboxRequest, { is: 'create' }>;

const NOTHING: readonly TrayItemView[] = [];

/** What is known of it before it is ready. */
const attachmentOf = ({ ready, key, name, type, size, width, height, seconds, waveform }: Chosen): Attachment =>
  ready?.attachment ?? {
    ...{ sha256: key, name: name.slice(0, 255) || 'file', type: type.slice(0, 127), size },
    ...(width !== undefined && height !== undefined && { width, height }),
    ...(seconds !== undefined && { seconds }),
    ...(waveform !== undefined && { waveform }),
  };

const uploadsOf = (chosen: Chosen): readonly Upload[] =>
  chosen.ready?.uploads ?? [{ sha256: chosen.key, size: chosen.size, chosen }];

export class Conversation implements ConversationView {
  readonly id: ConversationId;
  readonly timeline: ConversationTimeline;
  readonly #device: Device;
  readonly #me: () => Person;
  readonly #root: Held;
  readonly #composer: Composer;
  readonly #typist: Typist;
  #tray = $state.raw<Tray | null>(null);
  #attaching = $state(0);
  #attachFailed = $state(false);
  #openingTray: Promise<void> | null = null;
  /** How far everybody is in a large group, when the relay was asked. */
  #asked = $state.raw<ReadonlyMap<UserId, Reach> | null>(null);
  readonly #rootBeat = new Beat();
  #rootDoc: Y.Doc | null = null;
  #loaded = $state(false);
  #closed = false;
  /** It was in the list at some time while it was open. */
  #wasKnown = $state(false);

  readonly #creation = $derived.by(() =>
    this.#device.requests.find((one): one is Creation => one.is === 'create' && one.conversation === this.id),
  );
  readonly #isKnown = $derived.by(() => this.#device.row(this.id) !== undefined || this.#creation !== undefined);
  readonly #kind = $derived.by<ConversationKind>(
    () => this.#device.row(this.id)?.kind ?? this.#creation?.kind ?? this.#meta('kind') ?? 'group',
  );
  readonly #people = $derived.by<OverviewMember[]>(() =>
    membersWithOutbox(this.id, this.#membersKnown(), this.#device.requests),
  );
  readonly #names = $derived.by(() => new Map<UserId, string>(this.#people.map(({ id, name }) => [id, name])));
  /** Also of those who have left: what they wrote is still there. The list hears of a new one whether the root is open or not. */
  readonly #pictures = $derived.by(() => {
    this.#rootBeat.feel();
    const pictures = new Map<UserId, Sha256 | null | undefined>(this.#people.map(({ id, avatar }) => [id, avatar]));
    for (const [id, { avatar }] of membersOf(this.#root.doc).entries()) pictures.set(id as UserId, avatar);
    for (const { id, avatar } of this.#device.row(this.id)?.members ?? [])
      if (avatar !== undefined) pictures.set(id, avatar);
    return pictures;
  });
  /** The list learns that one was removed before the root does, which may name one as a member for good: nothing comes any more. */
  readonly #isLost = $derived(this.#wasKnown && !this.#isKnown);
  readonly #myRole = $derived.by<Role | null>(() =>
    this.#isLost ? null : (this.#people.find(({ id }) => id === this.#device.me)?.role ?? null),
  );
  readonly #other = $derived.by(() => otherMember(this.#kind, this.#people, this.#device.me));
  readonly #mode = $derived.by((): ComposerMode => {
    const { mode } = this.#composer;
    return mode.is === 'reply' ? { is: 'reply', to: this.timeline.quote(mode.to) } : mode;
  });
  readonly #members = $derived.by(() => this.#people.map((member) => this.#memberView(member)));

  constructor(device: Device, me: () => Person, id: ConversationId) {
    this.id = id;
    this.#device = device;
    this.#me = me;
    this.#root = device.documents.hold(conversationDoc(id), { keepWarm: true });
    this.#composer = new Composer(device, id);
    this.#typist = new Typist((typing) => this.#showTyping(typing));
    this.timeline = new ConversationTimeline({
      device,
      id,
      root: this.#root,
      nameOf: (person) => this.#nameOf(person),
      mayWrite: () => this.may('write'),
      mayDeleteAny: () => this.may('delete-any'),
    });
    if (device.kept.table('kv').has(TRAY + id)) this.#withTray(() => undefined).catch(() => undefined);
    void this.#load();
  }

  get status(): ConversationView['status'] {
    if (!this.#loaded) return 'loading';
    if (this.#isKnown) return 'ready';
    if (this.#device.wasDeleted(this.id)) return 'deleted';
    if (this.#isLost || this.#hasLeft()) return 'left';
    return this.#device.hasList || !this.#device.link.isOpen ? 'unknown' : 'loading';
  }

  get kind(): ConversationKind {
    return this.#kind;
  }

  get title(): string | null {
    if (this.#kind === 'direct') return this.#other?.name ?? null;
    const row = this.#device.row(this.id);
    return this.#device.writtenHere.title(this.id) ?? this.#meta('title') ?? row?.title ?? this.#creation?.title ?? '';
  }

  get topic(): string {
    return this.#meta('topic') ?? '';
  }

  get avatarSeed(): string {
    return this.#other?.id ?? this.id;
  }

  get picture(): Sha256 | null {
    if (this.#kind === 'direct') return this.other?.avatar ?? null;
    const chosen = chosenPicture(this.#device.requests, this.id);
    return chosen === undefined ? (this.#device.row(this.id)?.avatar ?? null) : chosen;
  }

  pictureOf(person: UserId): Sha256 | null {
    if (person === this.#device.me) return this.#me().avatar;
    return this.#pictures.get(person) ?? null;
  }

  get members(): readonly MemberView[] {
    return this.#members;
  }

  get memberCount(): number {
    this.#rootBeat.feel();
    const isHere = membersOf(this.#root.doc).size > 0;
    return isHere ? this.#people.length : Math.max(this.#people.length, this.#device.row(this.id)?.memberCount ?? 0);
  }

  get myRole(): Role | null {
    return this.#myRole;
  }

  get other(): Person | null {
    const other = this.#other;
    return other === null ? null : { id: other.id, name: other.name, avatar: this.pictureOf(other.id) };
  }

  get presence(): { online: boolean; lastSeen: number | null } | null {
    const other = this.#other;
    if (other === null) return null;
    const { presence } = this.#device;
    return { online: presence.isOnline(other.id), lastSeen: presence.lastSeen(other.id) };
  }

  get typing(): readonly string[] {
    return namesOf(this.#device.presence.typing(this.id), this.#people);
  }

  get pending(): boolean {
    return this.#creation !== undefined;
  }

  may(action: Action): boolean {
    return this.#myRole !== null && may(this.#myRole, action, this.#kind);
  }

  get composer(): { readonly text: string; readonly mode: ComposerMode } {
    return { text: this.#composer.text, mode: this.#mode };
  }

  type(text: string): void {
    this.#composer.type(text);
    if (text.trim() === '') this.#typist.rest();
    else this.#typist.typed();
  }

  startReply(id: MessageId): void {
    const message = untrack(() => this.timeline.message(id));
    if (message && !message.deleted) this.#composer.reply(id);
  }

  startEdit(id: MessageId): void {
    const message = untrack(() => this.timeline.message(id));
    if (message?.canEdit) this.#composer.edit(id, message.text);
  }

  startEditLast(): void {
    const message = untrack(() => this.timeline.lastOwn());
    if (message) this.#composer.edit(message.id, message.text);
  }

  cancelMode(): void {
    this.#composer.cancelMode();
  }

  submit(): MessageId | null {
    return untrack(() => {
      const text = this.#composer.text.trim();
      const { mode } = this.#composer;
      if (this.#composer.tooLong || !this.may('write')) return null;
      const id = mode.is === 'edit' ? this.#edit(mode.id, text) : this.#sendAll(text, this.#replyTo);
      if (id !== null) this.#composer.clear();
      this.#typist.rest();
      return id;
    });
  }

  get tray(): readonly TrayItemView[] {
    return this.#tray?.items ?? NOTHING;
  }

  get leftOut(): number {
    return this.#tray?.leftOut ?? 0;
  }

  get attachFailed(): boolean {
    return this.#attachFailed;
  }

  get attaching(): boolean {
    return this.#attaching > 0;
  }

  attach(files: readonly File[]): void {
    if (files.length === 0) return;
    this.#attaching += 1;
    this.#attachFailed = false;
    void this.#withTray((tray) => tray.attach(files))
      .catch(() => (this.#attachFailed = true))
      .finally(() => (this.#attaching -= 1));
  }

  detach(key: string): void {
    this.#tray?.detach(key);
  }

  setOriginal(key: string, original: boolean): void {
    this.#tray?.setOriginal(key, original);
  }

  sendVoice(recording: Recording): MessageId | null {
    if (!untrack(() => this.may('write'))) return null;
    const chosen = { ...chosenVoice(recording), tab: this.#device.kept.tab };
    this.#device.inHand.set(chosen.key, recording.bytes);
    return untrack(() => {
      const id = this.#send('', this.#replyTo, [chosen]);
      if (id !== null && this.#composer.mode.is === 'reply') this.#composer.cancelMode();
      // What cannot be loaded now takes it up later: the bytes are in hand.
      this.#device.sending().then(
        ({ packing }) => packing.add(chosen, recording.bytes),
        () => undefined,
      );
      return id;
    });
  }

  cancelSending(id: MessageId): void {
    this.#withTray((tray) => tray.takeBack(id, this.#composer)).catch(() => undefined);
  }

  retrySending(id: MessageId, asFile = false): void {
    this.#withTray((tray) => tray.retry(id, asFile)).catch(() => undefined);
  }

  react(id: MessageId, emoji: string): void {
    const page = untrack(() => this.timeline.bodyOf(id));
    if (page === null || emoji === '' || emoji.length > EMOJI_MAX_CHARS) return;
    const reactions = reactionsOf(page);
    const key = reactionKey({ message: id, user: this.#device.me, emoji });
    if (reactions.has(key)) reactions.delete(key);
    else reactions.set(key, Date.now());
  }

  deleteMessage(id: MessageId): void {
    if (queuedRow(this.#device.kept, id) !== null) return this.cancelSending(id);
    const { page, message } = untrack(() => ({ page: this.timeline.bodyOf(id), message: this.timeline.message(id) }));
    if (page === null || !message?.canDelete) return;
    const row = untrack(() => this.#device.row(this.id));
    if (row !== undefined)
      this.#device.writtenHere.deleted(
        row,
        id,
        untrack(() => this.timeline.lastBut(id)),
      );
    page.transact(() => {
      messagesOf(page).delete(id);
      deletedOf(page).set(id, { by: this.#device.me, at: Date.now() });
    });
    this.#device.waitsNoMore(id);
  }

  receipts(id: MessageId): ReceiptsView | null {
    const message = this.timeline.message(id);
    const row = this.#device.row(this.id);
    if (message === undefined || message.seq === null || row === undefined) return null;
    const isLarge = row.others !== undefined;
    if (isLarge && this.#asked === null) return null;
    const reach = isLarge ? this.#asked : new Map(row.members.map((member) => [member.id, member.reach]));
    const seq = message.seq;
    const joined = membersOf(this.#root.doc);
    // Who came after it was written has it as history: it was not for them.
    const people = this.#members.filter(
      ({ id: person, me }) => !me && (joined.get(person)?.joinedAt ?? 0) <= message.at,
    );
    const has = (person: UserId, mark: keyof Reach): boolean => (reach?.get(person)?.[mark] ?? 0) >= seq;
    return {
      read: people.filter((one) => has(one.id, 'read')),
      delivered: people.filter((one) => !has(one.id, 'read') && has(one.id, 'delivered')),
      missing: people.filter((one) => !has(one.id, 'delivered')),
    };
  }

  async askForReceipts(): Promise<void> {
    if (untrack(() => this.#device.row(this.id)?.others) === undefined) return;
    const asked = await this.#device.ask('getConversation', { params: { id: this.id } });
    if (!asked.ok) return;
    const { members } = asked.answer.conversation;
    this.#asked = new Map(members.flatMap(({ id, reach }) => (reach === undefined ? [] : [[id, reach] as const])));
  }

  get history(): History {
    const asked = this.#device.requests.findLast((one) => one.is === 'change-history' && one.conversation === this.id);
    if (asked?.is === 'change-history') return asked.history;
    return this.#meta('history') ?? 'all';
  }

  setHistory(history: History): void {
    if (untrack(() => this.may('change-history') && this.history !== history))
      this.#device.outbox.add({ is: 'change-history', conversation: this.id, history });
  }

  rename(title: string): void {
    const parsed = v.safeParse(Title, title);
    if (!parsed.success || !untrack(() => this.may('rename'))) return;
    metaOf(this.#root.doc).set('title', parsed.output);
    this.#device.writtenHere.rename(this.id, parsed.output);
  }

  setTopic(topic: string): void {
    const parsed = v.safeParse(META_FIELDS.topic, topic.trim());
    if (parsed.success && untrack(() => this.may('rename'))) metaOf(this.#root.doc).set('topic', parsed.output);
  }

  async setPicture(picture: Blob | null): Promise<Refusal | null> {
    if (!untrack(() => this.may('rename'))) return { code: 'not-allowed', fields: {} };
    return await this.#device.setPicture(this.id, picture);
  }

  addMembers(people: readonly Person[]): void {
    this.#device.meet(people);
    const known = untrack(() => new Set(this.#people.map(({ id }) => id)));
    for (const { id, name, avatar } of people) {
      if (!known.has(id))
        this.#device.outbox.add({ is: 'add-member', conversation: this.id, person: { id, name, avatar } });
    }
  }

  removeMember(user: UserId): void {
    this.#device.outbox.add({ is: 'remove-member', conversation: this.id, user });
  }

  changeRole(user: UserId, role: 'admin' | 'member' | 'owner'): void {
    this.#device.outbox.add({ is: 'change-role', conversation: this.id, user, role });
  }

  async leave(): Promise<Refusal | null> {
    return await this.#device.request({ is: 'leave', conversation: this.id });
  }

  async deleteGroup(): Promise<Refusal | null> {
    return await this.#device.request({ is: 'delete-group', conversation: this.id });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    untrack(() => {
      this.#typist.rest();
      this.#composer.close();
      this.#tray?.close();
      this.timeline.close();
      this.#rootDoc?.off('update', this.#rootChanged);
      this.#device.documents.off('replaced', this.#replaced);
      this.#device.kept.off('change', this.#noteKnown);
      this.#root.release();
    });
  }

  async #load(): Promise<void> {
    // Opening may happen while something is being drawn: nothing that others read may change before it is done.
    await this.#root.loaded;
    if (this.#closed) return;
    this.#watchRoot();
    this.#device.documents.on('replaced', this.#replaced);
    this.#device.kept.on('change', this.#noteKnown);
    await this.timeline.open();
    if (this.#closed) return;
    this.#loaded = true;
    this.#noteKnown();
  }

  readonly #replaced = (doc: string): void => {
    if (doc === this.#root.name) this.#watchRoot();
  };

  readonly #rootChanged = (): void => {
    this.#rootBeat.beat();
    this.#noteKnown();
    queueMicrotask(() => !this.#closed && this.timeline.rootChanged());
  };

  #watchRoot(): void {
    this.#rootDoc?.off('update', this.#rootChanged);
    this.#rootDoc = this.#root.doc;
    this.#rootDoc.on('update', this.#rootChanged);
    this.#rootChanged();
  }

  readonly #noteKnown = (): void => {
    if (untrack(() => !this.#wasKnown && this.#isKnown)) this.#wasKnown = true;
  };

  get #replyTo(): MessageId | undefined {
    const { mode } = this.#composer;
    return mode.is === 'reply' ? mode.to : undefined;
  }

  async #withTray(does: (tray: Tray) => void): Promise<void> {
    this.#openingTray ??= this.#openTray();
    await this.#openingTray.catch((why: unknown) => {
      this.#openingTray = null;
      throw why;
    });
    if (this.#tray !== null) does(this.#tray);
  }

  async #openTray(): Promise<void> {
    const sending = await this.#device.sending();
    this.#tray = sending.tray(this.id);
  }

  #sendAll(text: string, replyTo: MessageId | undefined): MessageId | null {
    const chosen = this.#tray?.sendable ?? [];
    if (text === '' && chosen.length === 0) return null;
    const id = this.#send(text, replyTo, chosen);
    if (id !== null) this.#tray?.sent(chosen);
    return id;
  }

  #send(text: string, replyTo: MessageId | undefined, chosen: readonly Chosen[]): MessageId | null {
    const at = this.#device.writtenAt();
    const id = newMessageId(at);
    const mentions = this.#mentions(text);
    const message = {
      ...{ by: this.#device.me, at, text, ...(mentions && { mentions }), ...(replyTo && { replyTo }) },
      ...(chosen.length > 0 && { attachments: chosen.map(attachmentOf) }),
    };
    if (!v.is(Message, message)) return null;
    if (chosen.length > 0 || mustQueue(this.#device.kept, this.id)) {
      this.#device.wait(id, { conversation: this.id, message, uploads: chosen.flatMap(uploadsOf) });
      return id;
    }
    const page = this.timeline.pageForWriting();
    messagesOf(page.doc).set(id, message);
    this.#device.wait(id, { conversation: this.id, page: page.number, message });
    return id;
  }

  #edit(id: MessageId, text: string): MessageId | null {
    const queued = queuedRow(this.#device.kept, id);
    if (queued !== null) return this.#rewrite(id, queued, text);
    const page = this.timeline.bodyOf(id);
    const before = page === null ? undefined : messagesOf(page).get(id);
    if (page === null || before === undefined) return null;
    if (before.text === text) return id;
    const message = { ...this.#reworded(before, text), editedAt: Date.now() };
    if (!v.is(Message, message)) return null;
    messagesOf(page).set(id, message);
    const waiting = this.#device.kept.table('waiting').get(id);
    if (waiting?.page !== undefined) this.#device.wait(id, { ...waiting, message });
    const row = this.#device.row(this.id);
    if (row !== undefined) this.#device.writtenHere.edited(row, id, text);
    return id;
  }

  /** Nobody has seen it yet: it was never otherwise. */
  #rewrite(id: MessageId, row: QueuedMessage, text: string): MessageId | null {
    const message = this.#reworded(row.message, text);
    if (!v.is(Message, message)) return null;
    this.#device.wait(id, { ...row, message });
    return id;
  }

  #reworded({ mentions: _before, ...rest }: Message, text: string): Message {
    const mentions = this.#mentions(text);
    return { ...rest, text, ...(mentions && { mentions }) };
  }

  /** In a large group everybody would hear of everybody. */
  #showTyping(typing: boolean): void {
    const isSmall = untrack(() => this.#people.length) <= SMALL_GROUP_MAX_MEMBERS;
    const state = typing && isSmall ? { user: { id: this.#device.me }, typing: true } : null;
    this.#device.link.show(this.#root.name, state);
  }

  #mentions(text: string) {
    return mentionsIn(text, this.#people, this.may('mention-all'));
  }

  #meta<F extends 'kind' | 'title' | 'topic' | 'history'>(
    field: F,
  ): v.InferOutput<(typeof META_FIELDS)[F]> | undefined {
    this.#rootBeat.feel();
    const value = metaOf(this.#root.doc).get(field);
    return v.is(META_FIELDS[field], value) ? (value as v.InferOutput<(typeof META_FIELDS)[F]>) : undefined;
  }

  /** By the root when the device has it, else by the relay's row, else as it was asked to be created. */
  #membersKnown(): OverviewMember[] {
    this.#rootBeat.feel();
    const mirrored = [...membersOf(this.#root.doc).entries()].flatMap(([id, { role, name, leftAt }]) =>
      leftAt === undefined ? [{ id: id as UserId, name, role }] : [],
    );
    if (mirrored.length > 0) return mirrored;
    const row = this.#device.row(this.id);
    if (row !== undefined) return row.members;
    const creation = this.#creation;
    if (creation === undefined) return [];
    const me = this.#me();
    const role = creation.kind === 'direct' ? 'member' : 'owner';
    return [
      { id: me.id, name: me.name, role, avatar: me.avatar },
      ...creation.people.map((person) => ({ ...person, role: 'member' as const })),
    ];
  }

  #hasLeft(): boolean {
    this.#rootBeat.feel();
    return membersOf(this.#root.doc).get(this.#device.me)?.leftAt !== undefined;
  }

  #memberView({ id, name, role }: OverviewMember): MemberView {
    const me = id === this.#device.me;
    const above = this.#myRole !== null && outranks(this.#myRole, role) && !me;
    return {
      id,
      name,
      picture: this.pictureOf(id),
      role,
      me,
      online: this.#device.presence.isOnline(id),
      canRemove: above && this.may('remove-member'),
      canChangeRole: above && this.may('change-role'),
    };
  }

  #nameOf(person: UserId): string {
    const me = this.#me();
    if (person === me.id) return me.name;
    this.#rootBeat.feel();
    const known = this.#names.get(person) ?? membersOf(this.#root.doc).get(person)?.name;
    return known ?? this.#device.table('people').get(person)?.name ?? '';
  }
}
