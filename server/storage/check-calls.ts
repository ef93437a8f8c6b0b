/** Whether the calls of a conversation and what they left in it say the same (C9). One that is over and has left nothing yet will, once a relay runs. */
import type { CallId, MessageId, UserId } from '#shared/ids.ts';
import type { CallOutcome } from '#shared/model/call-trace.ts';
import type { IndexedMessage } from './messages.ts';

export interface CheckedCall {
  id: CallId;
  caller: UserId;
  video: boolean;
  outcome: CallOutcome | null;
  took_part: UserId[];
  missed: UserId[];
  trace: MessageId | null;
  is_traced: boolean;
}

/** A sentence for each fault. */
export function callFaults(calls: readonly CheckedCall[], index: readonly IndexedMessage[]): string[] {
  const faults: string[] = [];
  const byTrace = new Map(calls.map((call) => [call.trace, call]));
  for (const { id, author, value } of index) {
    if (value?.call === undefined) continue;
    const call = byTrace.get(id);
    const { video, outcome } = value.call;
    if (call?.id !== value.call.id) faults.push(`${id} is left of a call that knows nothing of it`);
    else if (call.caller !== author || call.video !== video || call.outcome !== outcome)
      faults.push(`${id} says otherwise than the call that left it`);
  }
  const there = new Set(index.map(({ id }) => id));
  for (const { id, trace, is_traced, took_part, missed } of calls) {
    if (is_traced && (trace === null || !there.has(trace))) faults.push(`the call ${id} has left nothing`);
    if (missed.some((person) => took_part.includes(person)))
      faults.push(`the call ${id} was missed by somebody who was in it`);
  }
  return faults;
}
