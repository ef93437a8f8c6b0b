/** What is left of a call in its conversation: a message that only the relay writes, in the name of whoever called. */
import * as v from 'valibot';
import { CallId } from '../ids.ts';

export const CallOutcome = v.picklist(['answered', 'missed', 'cancelled', 'declined', 'busy', 'failed']);
export type CallOutcome = v.InferOutput<typeof CallOutcome>;

export const CallTrace = v.strictObject({
  id: CallId,
  video: v.boolean(),
  outcome: CallOutcome,
  /** From the answer to the end. */
  seconds: v.pipe(v.number(), v.integer(), v.minValue(0)),
});
export type CallTrace = v.InferOutput<typeof CallTrace>;
