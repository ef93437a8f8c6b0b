/** For tests only: a relay in memory, written with the floor's codecs. Stamps what is new on the page it was written into. */
import * as Y from 'yjs';
import { parseDocName } from '#shared/model/doc-names.ts';
import { messagesOf, orderOf } from '#shared/model/page.ts';
import { CONTROL_CHANNEL, decodeChannelFrame, encodeChannelFrame } from '#shared/protocol/channels.ts';
import { type ClientControl, decodeClientControl, encodeControl, type RelayControl } from '#shared/protocol/control.ts';
import { decodeFrame, encodeFrame, type Frame } from '#shared/protocol/frames.ts';

export class FakeRelay {
  readonly docs = new Map<string, Y.Doc>();
  /** channel → document, as opened on the socket of now. */
  readonly channels = new Map<number, string>();
  readonly opened: { channel: number; doc: string }[] = [];
  readonly frames: { doc: string; frame: Frame }[] = [];
  /** What the device has said that is not about channels. */
  readonly told: Exclude<ClientControl, { is: 'open' | 'close' }>[] = [];
  isOpen = true;
  /** Documents that nobody may open. */
  readonly refuses = new Map<string, { code: number; fault: string }>();
  deliver: (bytes: Uint8Array) => void = () => {};

  doc(name: string): Y.Doc {
    const doc = this.docs.get(name) ?? new Y.Doc();
    this.docs.set(name, doc);
    return doc;
  }

  say(control: RelayControl): void {
    this.deliver(encodeChannelFrame(CONTROL_CHANNEL, encodeControl(control)));
  }

  receive(bytes: Uint8Array): void {
    const frame = decodeChannelFrame(bytes);
    if (!frame.ok) throw new Error(frame.why);
    const { channel, body } = frame.value;
    if (channel === CONTROL_CHANNEL) return this.#control(body);
    const doc = this.channels.get(channel);
    if (doc !== undefined) this.#frame(channel, doc, body);
  }

  #control(body: Uint8Array): void {
    const control = decodeClientControl(body);
    if (!control.ok) throw new Error(control.why);
    if (control.value.is === 'close') return void this.channels.delete(control.value.channel);
    if (control.value.is !== 'open') return void this.told.push(control.value);
    const { channel, doc } = control.value;
    const refusal = this.refuses.get(doc);
    if (refusal !== undefined) return queueMicrotask(() => this.say({ is: 'closed', channel, ...refusal }));
    this.opened.push({ channel, doc });
    this.channels.set(channel, doc);
    queueMicrotask(() => {
      this.say({ is: 'opened', channel });
      this.#send(channel, { is: 'step1', stateVector: Y.encodeStateVector(this.doc(doc)) });
    });
  }

  #frame(channel: number, name: string, body: Uint8Array): void {
    const frame = decodeFrame(body);
    if (!frame.ok) throw new Error(frame.why);
    this.frames.push({ doc: name, frame: frame.value });
    const doc = this.doc(name);
    switch (frame.value.is) {
      case 'step1': {
        const update = Y.encodeStateAsUpdate(doc, frame.value.stateVector);
        return queueMicrotask(() => this.#send(channel, { is: 'step2', update }));
      }
      case 'step2':
      case 'update': {
        const before = Y.encodeStateVector(doc);
        Y.applyUpdate(doc, frame.value.update);
        this.#stamp(name, doc);
        const update = Y.encodeStateAsUpdate(doc, before);
        return queueMicrotask(() => this.#send(channel, { is: 'update', update }));
      }
      case 'awareness':
      case 'query-awareness':
      case 'denied':
        return;
    }
  }

  #stamp(name: string, doc: Y.Doc): void {
    if (parseDocName(name)?.kind !== 'page') return;
    const order = orderOf(doc);
    const stamped = new Set<string>(order.map(([, id]) => id));
    for (const id of messagesOf(doc).keys()) {
      if (!stamped.has(id)) order.insert(order.length, [[order.length + 1, id as never, Date.now()]]);
    }
  }

  #send(channel: number, frame: Frame): void {
    if (this.isOpen && this.channels.has(channel)) this.deliver(encodeChannelFrame(channel, encodeFrame(frame)));
  }
}
