/** A line to everybody else in the call. Who is in it the relay says; somebody whose line comes before that word is answered when it is there. */
import { ObservableV2 } from 'lib0/observable';
import type { PeerId, UserId } from '#shared/ids.ts';
import type { Broker } from './broker.ts';
import type { Line, Sent } from './line.ts';
import { Link } from './link.ts';

/** A line of somebody whom the relay has not named yet waits so long. */
const EARLY_AT_MOST_MS = 10_000;

interface MeshEvents {
  changed: () => void;
}

export class Mesh extends ObservableV2<MeshEvents> {
  readonly #broker: Broker;
  readonly #sent: () => Sent;
  readonly #links = new Map<UserId, Link>();
  readonly #early = new Map<PeerId, { line: Line; timer: ReturnType<typeof setTimeout> }>();
  readonly #listening = new AbortController();

  constructor(broker: Broker, sent: () => Sent) {
    super();
    this.#broker = broker;
    this.#sent = sent;
    broker.on('dialled', (line) => this.#dialled(line));
    broker.on('open', () => this.links.forEach((link) => link.ready()));
    const { signal } = this.#listening;
    addEventListener('online', () => this.#networkChanged(), { signal });
    networkInformation()?.addEventListener('change', () => this.#networkChanged(), { signal });
  }

  /** Everybody else who is in, by their name at the broker. */
  meet(people: ReadonlyMap<UserId, PeerId>): void {
    for (const [person, link] of [...this.#links]) {
      if (people.has(person)) continue;
      link.stop();
      this.#links.delete(person);
    }
    for (const [person, peer] of people) {
      const link = this.#links.get(person);
      if (link === undefined) this.#add(person, peer);
      else link.renamed(peer);
    }
    for (const [peer, { line }] of [...this.#early]) {
      const link = this.#linkTo(peer);
      if (link === null) continue;
      this.#forgetEarly(peer);
      link.dialled(line);
    }
    this.emit('changed', []);
  }

  link(person: UserId): Link | null {
    return this.#links.get(person) ?? null;
  }

  get links(): Link[] {
    return [...this.#links.values()];
  }

  /** What is sent has changed. */
  async send(): Promise<void> {
    await Promise.all(this.links.map((link) => link.send()));
  }

  stop(): void {
    this.#listening.abort();
    for (const peer of [...this.#early.keys()]) {
      this.#early.get(peer)?.line.close();
      this.#forgetEarly(peer);
    }
    for (const link of this.links) link.stop();
    this.#links.clear();
    this.#broker.stop();
    this.destroy();
  }

  #add(person: UserId, peer: PeerId): void {
    const link = new Link(peer, this.#broker, this.#sent);
    link.on('changed', () => this.emit('changed', []));
    this.#links.set(person, link);
  }

  #dialled(line: Line): void {
    const link = this.#linkTo(line.peer);
    if (link !== null) return link.dialled(line);
    this.#early.get(line.peer)?.line.close();
    this.#forgetEarly(line.peer);
    const timer = setTimeout(() => {
      line.close();
      this.#forgetEarly(line.peer);
    }, EARLY_AT_MOST_MS);
    this.#early.set(line.peer, { line, timer });
  }

  #forgetEarly(peer: PeerId): void {
    clearTimeout(this.#early.get(peer)?.timer);
    this.#early.delete(peer);
  }

  #linkTo(peer: PeerId): Link | null {
    return this.links.find((link) => link.peer === peer) ?? null;
  }

  #networkChanged(): void {
    this.#broker.hurry();
    this.#hurry();
  }

  #hurry(): void {
    for (const link of this.links) link.hurry();
  }
}

/** Not in every browser, nor in TypeScript's: https://wicg.github.io/netinfo/ */
const networkInformation = (): EventTarget | undefined =>
  (navigator as Navigator & { connection?: EventTarget }).connection;
