/**
 * What a call leaves in its conversation (C9): once it is over, a message in the name of whoever called. Written as often as it takes, also after a
 * crash in between, and there once: its id is decided when the call is over, and on the disk before the message is.
 */
import type { CallId, ConversationId, MessageId, UserId } from '#shared/ids.ts';
import type { Message } from '#shared/model/message.ts';
import { Background } from '../background.ts';
import { caughtUp, setTraced, untracedCalls, type UntracedCall } from '../storage/calls.ts';
import type { Sql } from '../storage/sql.ts';

const AGAIN_MILLIS = 2_000;

export interface TracesParts {
  sql: Sql;
  /** Writes it unless it is there, and answers its place. Null: there is no such conversation any more. */
  write(conversation: ConversationId, id: MessageId, value: Message): Promise<number | null>;
  read(person: UserId, conversation: ConversationId, seq: number): Promise<void>;
  failed(why: unknown): void;
}

export class Traces {
  readonly #parts: TracesParts;
  readonly #work: Background;
  readonly #again = new Set<NodeJS.Timeout>();
  #stopped = false;

  constructor(parts: TracesParts) {
    this.#parts = parts;
    this.#work = new Background(parts.failed);
  }

  /** Of those that a crash has kept from it. */
  makeUp(): void {
    this.#work.run(async () => {
      for (const { id } of await untracedCalls(this.#parts.sql)) this.leave(id);
    });
  }

  leave(call: CallId): void {
    if (this.#stopped) return;
    this.#work.run(() =>
      this.#leave(call).catch((why: unknown) => {
        const timer = setTimeout(() => {
          this.#again.delete(timer);
          this.leave(call);
        }, AGAIN_MILLIS);
        this.#again.add(timer);
        throw why;
      }),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#again) clearTimeout(timer);
    await this.#work.stop();
  }

  async #leave(id: CallId): Promise<void> {
    const { sql } = this.#parts;
    const [call] = await untracedCalls(sql, id);
    if (call === undefined) return;
    const seq = await this.#parts.write(call.conversation, call.trace, messageOf(call));
    if (seq !== null) {
      // Who was in it, or said no, need not be told of it as of news; who has older news to read keeps those.
      for (const person of await caughtUp(sql, call.conversation, seq, call.missed))
        await this.#parts.read(person, call.conversation, seq);
    }
    await setTraced(sql, id);
  }
}

function messageOf({ id, by, video, answeredAt, endedAt, outcome }: UntracedCall): Message {
  const seconds = answeredAt === null ? 0 : Math.max(0, Math.round((endedAt - answeredAt) / 1000));
  return { by, at: endedAt, text: '', call: { id, video, outcome, seconds } };
}
